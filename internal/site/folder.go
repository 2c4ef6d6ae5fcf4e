package site

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"gatehouse/internal/fault"
	"gatehouse/internal/git"
)

// Folder is a directory on a laptop that is edited in place.
type Folder struct {
	Dir      string // absolute
	Repo     *git.Repo
	Workflow bool // it is a Git repository of its own: drafts can be kept

	private string // our own Git directory, for a folder without one
}

// OpenFolder opens a directory to be edited in place. One that is no Git
// repository gets a private Git directory elsewhere, which is gone after Close:
// nothing is added to the folder.
func OpenFolder(ctx context.Context, dir string) (*Folder, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nil, fault.Wrap(fault.NotFound, errors.Join(err, errors.New("no directory")), "There is no directory %s.", dir)
	}
	f := &Folder{Dir: dir}
	if _, err := os.Lstat(filepath.Join(dir, ".git")); err == nil {
		f.Repo, err = git.Open(ctx, dir)
		f.Workflow = true
		return f, err
	}
	return f, f.openPrivate(ctx)
}

func (f *Folder) openPrivate(ctx context.Context) error {
	private, err := os.MkdirTemp("", "gatehouse-local-")
	if err != nil {
		return err
	}
	f.private = private
	gitDir := filepath.Join(private, ".git")
	if f.Repo, err = f.initPrivate(ctx, gitDir); err != nil {
		return errors.Join(err, os.RemoveAll(private))
	}
	return nil
}

// initPrivate makes a Git directory whose work tree is the folder.
func (f *Folder) initPrivate(ctx context.Context, gitDir string) (*git.Repo, error) {
	bare, err := git.Init(ctx, gitDir, "main")
	if err != nil {
		return nil, err
	}
	if err := bare.Close(); err != nil {
		return nil, err
	}
	escape := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)
	config := "[core]\n\trepositoryformatversion = 0\n\tbare = false\n\tworktree = \"" + escape.Replace(f.Dir) + "\"\n"
	if err := os.WriteFile(filepath.Join(gitDir, "config"), []byte(config), 0o600); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Join(gitDir, "info"), 0o700); err != nil {
		return nil, err
	}
	// Installed packages are no content, and there are many.
	if err := os.WriteFile(filepath.Join(gitDir, "info", "exclude"), []byte("node_modules/\n"), 0o600); err != nil {
		return nil, err
	}
	return git.Open(ctx, gitDir)
}

// Close ends the repository's processes and removes what was private.
func (f *Folder) Close() error {
	err := f.Repo.Close()
	if f.private != "" {
		err = errors.Join(err, os.RemoveAll(f.private))
	}
	return err
}
