package site

// Backend is where a site's content is when its CMS page talks to a Git host
// by itself, with the person's own token.
type Backend struct {
	Kind          string // github, gitlab, bitbucket, gitea, forgejo; empty: the site is served by us
	Repo          string // owner/name
	RepositoryID  int64  // at GitHub; 0: not known
	Branch        string // empty: the repository's default
	OpenAuthoring bool   // anyone may fork and propose
}

// Directory finds the site that a CMS page means, and decides which pages may
// open its popup. It does not change after NewDirectory.
type Directory struct{}
