package git

// Repo is one repository directory.
type Repo struct {
	Dir string // the Git directory (bare, or a work tree's .git)
}
