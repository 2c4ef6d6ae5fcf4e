package store

import (
	"context"
	"embed"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"syscall"
	"time"

	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"gatehouse/internal/fault"
)

//go:embed migrations/*.sql
var migrations embed.FS

// dsn names the database and how every connection to it behaves: writers wait
// for each other instead of failing, take their lock at the start of a
// transaction, and a commit is on disk when it returns.
func dsn(path string) string {
	q := url.Values{
		"_pragma": {"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)"},
		"_txlock": {"immediate"},
	}
	if path == Memory {
		return "file:" + Memory + "?" + q.Encode()
	}
	u := url.URL{Scheme: "file", Path: path, RawQuery: q.Encode()}
	return u.String()
}

// migrate brings the tables up to date. A database that is ahead of this
// program is refused: an older program would write what the newer cannot read.
// The caller sees to it that nobody else does the same.
func (s *Store) migrate(ctx context.Context, name string) error {
	p, err := s.migrations()
	if err != nil {
		return failed(err)
	}
	current, target, err := p.GetVersions(ctx)
	if err != nil {
		return s.unusable(err, name)
	}
	if current > target {
		return fault.New(fault.Invalid, "The database %s was written by a newer gatehouse (its tables have version %d, this program knows %d). Update the program, or go back to a backup made before the update.", name, current, target)
	}
	up := func() error {
		_, err := p.Up(ctx)
		return err
	}
	if s.postgres {
		// A server that runs meanwhile must not come in between with its locks.
		err = s.alone(ctx, writing, up)
	} else {
		err = up()
	}
	return failed(err)
}

// migrations are those of the folder, for the engine.
func (s *Store) migrations() (*goose.Provider, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	dialect := goose.DialectSQLite3
	if s.postgres {
		dialect = goose.DialectPostgres
	}
	return goose.NewProvider(dialect, s.write, files, goose.WithDisableGlobalRegistry(true))
}

func (s *Store) unusable(err error, name string) error {
	if err == nil {
		return nil
	}
	if notAllowed(err) {
		return fault.Wrap(fault.Invalid, err, "The user of the database %s may not make tables there. Make it the database's owner: ALTER DATABASE … OWNER TO ….", name)
	}
	err = failed(err)
	return fault.Wrap(fault.KindOf(err), err, "The database %s cannot be used. If it is damaged, go back to a backup.", name)
}

// private makes the database file with mode 0600, or brings it back to that.
// SQLite gives its side files the mode of the database.
func private(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err == nil {
		err = errors.Join(f.Chmod(0o600), f.Close())
	}
	return fault.Wrap(fault.Invalid, err, "The database file %s cannot be opened for writing. Check that the user who runs gatehouse owns it.", path)
}

// takeDir makes a directory for data, unless it is there, and locks it.
func takeDir(ctx context.Context, dir string) (unlock func(), err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "The data directory %s cannot be made. Check its parent's permissions.", dir)
	}
	return lockDir(ctx, dir)
}

// lockDir takes the directory for this process until unlock is called, and
// waits for whoever has it.
func lockDir(ctx context.Context, dir string) (unlock func(), err error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "The data directory %s cannot be read.", dir)
	}
	for {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { _ = f.Close() }, nil // closing gives the lock back
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			_ = f.Close()
			return nil, fault.Wrap(fault.Invalid, err, "The data directory %s cannot be locked. It must lie on a file system with locks.", dir)
		}
		select {
		case <-ctx.Done():
			_ = f.Close()
			return nil, ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}
