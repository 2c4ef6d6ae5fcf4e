package store

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehouse/internal/fault"
	"gatehouse/internal/store/pgtest"
)

// clock is a time that only tests move.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// place is where the database of a test lies. It can be opened again.
type place struct {
	dir string // of the key file, and of SQLite's database
	url string // of Postgres
}

func (p place) path() string { return filepath.Join(p.dir, "gatehouse.db") }

func (p place) Open(ctx context.Context) (*Store, error) {
	if p.url != "" {
		return OpenPostgres(ctx, p.url, filepath.Join(p.dir, KeyFile))
	}
	return Open(ctx, p.path())
}

func (p place) open(t testing.TB) (*Store, *clock) {
	t.Helper()
	s, err := p.Open(t.Context())
	return opened(t, s, err)
}

func open(t testing.TB, path string) (*Store, *clock) {
	t.Helper()
	s, err := Open(t.Context(), path)
	return opened(t, s, err)
}

func opened(t testing.TB, s *Store, err error) (*Store, *clock) {
	t.Helper()
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	c := newClock()
	s.Now = c.Now
	return s, c
}

// places runs f with a database that outlives its opening. The engine is
// Postgres where there is a server for tests, else SQLite: a run of the suite is
// about one of them.
func places(t *testing.T, f func(t *testing.T, p place)) {
	if pgtest.Enabled() {
		t.Run("postgres", func(t *testing.T) { f(t, place{dir: t.TempDir(), url: pgtest.Database(t)}) })
	} else {
		t.Run("file", func(t *testing.T) { f(t, place{dir: t.TempDir()}) })
	}
}

// once runs f on the run's engine.
func once(t *testing.T, f func(t *testing.T, s *Store, c *clock)) {
	places(t, func(t *testing.T, p place) {
		s, c := p.open(t)
		f(t, s, c)
	})
}

// each runs f on the run's engine and, when that is SQLite, on a database in
// memory too.
func each(t *testing.T, f func(t *testing.T, s *Store, c *clock)) {
	once(t, f)
	if pgtest.Enabled() {
		return
	}
	t.Run("memory", func(t *testing.T) {
		s, c := open(t, Memory)
		f(t, s, c)
	})
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantKind(t testing.TB, err error, k fault.Kind) {
	t.Helper()
	if !fault.Is(err, k) {
		t.Fatalf("error is %v, want one of kind %v", err, k)
	}
}

func TestConnectionsAreDurableAndStrict(t *testing.T) {
	s, _ := open(t, filepath.Join(t.TempDir(), "gatehouse.db"))
	for name, db := range map[string]*sql.DB{"write": s.write, "read": s.read} {
		for pragma, want := range map[string]string{
			"synchronous": "2", "journal_mode": "wal", "foreign_keys": "1", "busy_timeout": "5000",
		} {
			var got string
			check(t, db.QueryRow("PRAGMA "+pragma).Scan(&got))
			if got != want {
				t.Errorf("%s pool: %s is %q, want %q", name, pragma, got, want)
			}
		}
	}
}

func TestFileModes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "data")
	s, _ := open(t, filepath.Join(dir, "gatehouse.db"))
	check(t, s.SetSetting(t.Context(), "x", []byte("y"))) // brings the side files into being
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("data directory: %v %v, want 0700", info.Mode(), err)
	}
	files, err := os.ReadDir(dir)
	check(t, err)
	if len(files) < 3 {
		t.Errorf("files are %v, want the database, its log and the key", files)
	}
	for _, f := range files {
		if info, err := f.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v (%v), want 0600", f.Name(), info.Mode(), err)
		}
	}
}

func TestOddDirectoryNames(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a b", "50% of #1? é", "gatehouse.db")
	s, _ := open(t, path)
	check(t, s.SetSetting(t.Context(), "x", []byte("y")))
	if info, err := os.Stat(path); err != nil || info.Size() == 0 {
		t.Fatalf("the database is not at its path: %v", err)
	}
}

func TestOpenedByManyAtOnceTheFirstTime(t *testing.T) {
	places(t, func(t *testing.T, p place) {
		var wg sync.WaitGroup
		values := make([]string, 6)
		for i := range values {
			wg.Go(func() {
				s, err := p.Open(context.Background())
				if err != nil {
					t.Error(err)
					return
				}
				v, err := s.SettingOnce(context.Background(), "jwt", []byte{byte('a' + i)})
				if err != nil {
					t.Error(err)
				}
				values[i] = string(v)
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		for _, v := range values {
			if v == "" || v != values[0] {
				t.Fatalf("processes disagree about the first value: %q", values)
			}
		}
	})
}

func TestNewerDatabaseIsRefused(t *testing.T) {
	places(t, func(t *testing.T, p place) {
		s, _ := p.open(t)
		_, err := s.write.Exec(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (9000, TRUE)`)
		check(t, err)
		_, err = p.Open(t.Context())
		wantKind(t, err, fault.Invalid)
		if !strings.Contains(fault.Message(err), "newer gatehouse") {
			t.Errorf("message is %q", fault.Message(err))
		}
	})
}

func TestDamagedDatabaseIsNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gatehouse.db")
	if err := os.WriteFile(path, []byte("This is a letter."), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Open(t.Context(), path)
	if err == nil || !strings.Contains(err.Error(), "The database gatehouse.db cannot be used") {
		t.Errorf("error %v", err)
	}
}

func TestDirectoryThatCannotBeMade(t *testing.T) {
	dir := t.TempDir()
	check(t, os.WriteFile(filepath.Join(dir, "file"), nil, 0o600))
	_, err := Open(t.Context(), filepath.Join(dir, "file", "gatehouse.db"))
	wantKind(t, err, fault.Invalid)
}

func TestReadersSeeWhatWasJustWritten(t *testing.T) {
	each(t, func(t *testing.T, s *Store, _ *clock) {
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				name := string(rune('a' + i))
				for n := range 20 {
					want := strings.Repeat(name, n+1)
					if err := s.SetSetting(context.Background(), name, []byte(want)); err != nil {
						t.Error(err)
						return
					}
					if got, err := s.Setting(context.Background(), name); err != nil || string(got) != want {
						t.Errorf("read %q (%v), want %q", got, err, want)
						return
					}
				}
			})
		}
		wg.Wait()
	})
}

// A database in memory is one connection. A request that is given up in the
// middle must not take it along.
func TestMemorySurvivesCallersWhoLeave(t *testing.T) {
	s, _ := open(t, Memory)
	addUser(t, s, "1")
	for range 50 {
		ctx, cancel := context.WithCancel(t.Context())
		err := s.UpdateUser(ctx, "1", func(u *User) {
			u.Name = "half done"
			cancel()
		})
		if err == nil {
			t.Fatal("an update succeeds though its caller has left")
		}
		reading, stop := context.WithCancel(t.Context())
		go stop()
		_, _ = s.Users(reading) // whichever comes first
		stop()
	}
	if u, err := s.User(t.Context(), "1"); err != nil || u.Name != "N 1" {
		t.Errorf("user is %+v (%v)", u, err)
	}
}

func TestMemoriesAreApart(t *testing.T) {
	one, _ := open(t, Memory)
	two, _ := open(t, Memory)
	addUser(t, one, "1")
	if n, err := two.CountUsers(t.Context()); n != 0 || err != nil {
		t.Errorf("the other has %d users (%v)", n, err)
	}
}

// The command line works on the accounts while the server runs.
func TestTwoProcessesWriteAtOnce(t *testing.T) {
	places(t, func(t *testing.T, p place) {
		server, _ := p.open(t)
		tool, _ := p.open(t)
		addUser(t, server, "1")
		var wg sync.WaitGroup
		for i := range 8 {
			s := server
			if i%2 == 0 {
				s = tool
			}
			wg.Go(func() {
				for range 10 {
					if err := s.UpdateUser(context.Background(), "1", func(u *User) { u.Name += "." }); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		if u, err := server.User(t.Context(), "1"); err != nil || len(u.Name) != len("N 1")+80 {
			t.Errorf("%d of 80 updates are there (%v)", len(u.Name)-len("N 1"), err)
		}
	})
}
