package git

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"gatehouse/internal/fault"
)

// Repo is one repository directory. The exported fields are set before the
// first use and not changed after it. All methods may be called at once.
type Repo struct {
	Dir string // the Git directory (bare, or a work tree's .git), absolute

	// CacheBytes bounds the memory for small blobs and trees; 0 is 64 MB, less
	// than 0 is none.
	CacheBytes int64
	// IndexDir holds what is kept beside the repository (the history index, the
	// private work tree index); empty is Dir + "/gatehouse".
	IndexDir string
	// UpdateCheckedOut lets UpdateRefs move the branch that a work tree has
	// checked out, and bring the work tree along. Off, such a move is refused.
	UpdateCheckedOut bool

	common   string // where objects and refs are: Dir, save for a linked work tree
	worktree string // directory of the work tree; "" when bare
	hash     format
	more     []string // environment beside that of all; tests count and hurry with it

	life    context.Context // ends with Close
	end     context.CancelFunc
	users   sync.WaitGroup // calls that may hold a process
	usersMu sync.Mutex     // orders users.Add before the Wait of Close
	running chan struct{}  // a slot for each command at work
	streams chan struct{}  // a slot for each blob that is streamed
	readers pool
	cache   cache
	once    sync.Once // sets up the cache

	unsynced dirtySet
	syncs    atomic.Int64 // fsync calls of ours, for tests

	refs     chan struct{} // held by the one transaction of refs at work
	history  history
	snapshot snapshot
}

// Open opens an existing repository: a bare directory, a work tree, or a work
// tree's .git. It refuses (fault.Unsupported) a git that is too old and a
// repository in which merges and dates would be wrong, and (fault.NotFound) a
// directory that is no repository. Locks that a killed server and its git
// left there are removed.
func Open(ctx context.Context, dir string) (*Repo, error) {
	if err := checkVersion(ctx); err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	gitDir, worktree, err := locate(dir)
	if err != nil {
		return nil, err
	}
	r := newRepo(gitDir)
	err = r.inspect(ctx, worktree)
	if err == nil {
		err = r.clearRefLocks(ctx, lockPatience)
	}
	if err != nil {
		return nil, errors.Join(err, r.Close())
	}
	if r.worktree != "" {
		r.recoverIndex(ctx)
	}
	return r, nil
}

// Init makes a bare repository whose HEAD is branch (short name). The directory
// must not exist or be empty.
func Init(ctx context.Context, dir, branch string) (*Repo, error) {
	if err := CheckBranch(branch); err != nil {
		return nil, err
	}
	if err := checkVersion(ctx); err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if names, err := os.ReadDir(dir); err == nil && len(names) > 0 {
		return nil, fault.New(fault.Conflict, "%s is not empty: choose another directory for the new repository", dir)
	}
	if _, err := runGit(ctx, "init", "--quiet", "--bare", "--template=", "--initial-branch="+branch, "--", dir); err != nil {
		return nil, err
	}
	return Open(ctx, dir)
}

// Close ends the processes of the repository and waits for them. Calls after it
// fail.
func (r *Repo) Close() error {
	r.usersMu.Lock()
	r.end()
	r.usersMu.Unlock()
	r.users.Wait()
	r.readers.close()
	return nil
}

func newRepo(gitDir string) *Repo {
	r := &Repo{
		Dir: gitDir, common: gitDir, hash: sha1Format,
		running:  make(chan struct{}, maxCommands),
		streams:  make(chan struct{}, maxStreams),
		refs:     make(chan struct{}, 1),
		snapshot: snapshot{lock: make(chan struct{}, 1)},
		history:  history{lock: make(chan struct{}, 1)},
	}
	r.life, r.end = context.WithCancel(context.Background())
	r.readers.start = r.startReader
	r.readers.slots = make(chan struct{}, poolSize)
	return r
}

// begin ties a call to the life of the repository. The call must end with done.
func (r *Repo) begin(ctx context.Context) (_ context.Context, done func(), err error) {
	return r.beginFor(ctx, commandTime)
}

// beginFor is begin with another limit of time.
func (r *Repo) beginFor(ctx context.Context, limit time.Duration) (_ context.Context, done func(), err error) {
	r.usersMu.Lock()
	defer r.usersMu.Unlock()
	if r.life.Err() != nil {
		return nil, nil, errClosed
	}
	r.users.Add(1)
	ctx, cancel := context.WithTimeout(ctx, limit)
	stop := context.AfterFunc(r.life, cancel)
	return ctx, func() { stop(); cancel(); r.users.Done() }, nil
}

var errClosed = errors.New("the repository is closed")

// environment is that of every process of this repository. GIT_DIR keeps git
// from searching, and from asking who owns the directory.
func (r *Repo) environment(more ...string) []string {
	return environment(slices.Concat([]string{"GIT_DIR=" + r.Dir}, r.more, more)...)
}

// beside is the path of a file of ours beside the repository.
func (r *Repo) beside(name string) (string, error) {
	dir := r.IndexDir
	if dir == "" {
		dir = filepath.Join(r.Dir, "gatehouse")
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return "", fmt.Errorf("the directory beside the repository: %w", err)
	}
	return filepath.Join(dir, name), nil
}

// locate finds the Git directory that dir means, without looking further up.
func locate(dir string) (gitDir, worktree string, err error) {
	if _, err := os.Stat(dir); err != nil {
		return "", "", fault.Wrap(fault.NotFound, err, "There is no directory %s: check the path, or make a repository there with: git init --bare %s", dir, dir)
	}
	inner := filepath.Join(dir, ".git")
	if _, err := os.Lstat(inner); err == nil {
		return inner, dir, nil
	}
	if isFile(filepath.Join(dir, "HEAD")) {
		if filepath.Base(dir) == ".git" {
			worktree = filepath.Dir(dir)
		}
		return dir, worktree, nil
	}
	return "", "", fault.New(fault.NotFound, "%s is not a Git repository: it has neither a .git nor a HEAD. Make one with: git init --bare %s", dir, dir)
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// inspect reads what kind of repository it is.
func (r *Repo) inspect(ctx context.Context, worktree string) error {
	out, err := r.git(ctx, "rev-parse", "--absolute-git-dir", "--path-format=absolute", "--git-common-dir",
		"--is-bare-repository", "--is-shallow-repository", "--show-object-format")
	if err != nil {
		return fault.Wrap(fault.Unsupported, err, "Git cannot open %s; run there: git fsck", r.Dir)
	}
	lines := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	if len(lines) != 5 {
		return fmt.Errorf("git rev-parse answered %q", out)
	}
	r.Dir, r.common = lines[0], lines[1]
	if lines[2] == "false" {
		r.worktree = worktree
	}
	if lines[3] == "true" {
		return fault.New(fault.Unsupported, "%s is a shallow clone, in which merges and dates are wrong: run there: git fetch --unshallow", r.Dir)
	}
	if r.hash, err = formatNamed(lines[4]); err != nil {
		return err
	}
	return r.inspectConfig(ctx)
}

// inspectConfig refuses what would answer wrongly later, and reads where the
// work tree is.
func (r *Repo) inspectConfig(ctx context.Context) error {
	out, err := r.git(ctx, "config", "--list", "--null", "--local")
	if err != nil {
		return fault.Wrap(fault.Unsupported, err, "The configuration of %s cannot be read", r.Dir)
	}
	for setting := range strings.SplitSeq(string(out), "\x00") {
		key, value, _ := strings.Cut(setting, "\n")
		switch {
		case key == "extensions.partialclone", strings.HasPrefix(key, "remote.") && strings.HasSuffix(key, ".promisor") && value != "false":
			return fault.New(fault.Unsupported, "%s is a partial clone: some of its files are elsewhere. Clone it again without --filter", r.Dir)
		case key == "core.worktree" && r.worktree != "":
			if !filepath.IsAbs(value) {
				value = filepath.Join(r.Dir, value)
			}
			r.worktree = filepath.Clean(value)
		}
	}
	for _, hook := range []string{"pre-receive", "update", "post-receive"} {
		if isFile(filepath.Join(r.common, "hooks", hook+".d", "gitea")) {
			return fault.New(fault.Unsupported, "%s belongs to a Gitea or Forgejo, whose records would no longer match it: name the repository's address there instead", r.Dir)
		}
	}
	return nil
}

// checkVersion refuses a git without merge-tree --write-tree.
func checkVersion(ctx context.Context) error {
	out, err := runGit(ctx, "version")
	if err != nil {
		return err
	}
	var major, minor int
	if _, err := fmt.Sscanf(string(out), "git version %d.%d", &major, &minor); err != nil {
		return fault.Wrap(fault.Unsupported, err, "The program git on the server gave no version that can be read: install Git 2.38 or newer")
	}
	if major < 2 || major == 2 && minor < 38 {
		return fault.New(fault.Unsupported, "Git 2.38 or newer is needed, and this server has %d.%d: install a newer one", major, minor)
	}
	return nil
}
