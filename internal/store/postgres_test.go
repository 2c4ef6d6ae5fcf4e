package store

import (
	"context"
	"database/sql"
	"errors"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehouse/internal/fault"
	"gatehouse/internal/store/pgtest"
)

// postgres is a place in a Postgres database; without a server the test is
// skipped.
func postgres(t *testing.T) place { return place{dir: t.TempDir(), url: pgtest.Database(t)} }

// changed is an address with changes.
func changed(t *testing.T, address string, change func(*url.URL)) string {
	t.Helper()
	u, err := url.Parse(address)
	check(t, err)
	change(u)
	return u.String()
}

func TestAddressesThatAreNone(t *testing.T) {
	for _, address := range []string{
		"", "gatehouse.db", "host=db user=gate password=hunter2", "mysql://gate:hunter2@db/x", "postgres://gate:hunter2/x@db/x",
		"postgres://gate:hunter2%@db/x", "postgres://gate:hunter2@db:port/x", "postgres://gate:hunter2@db/x?sslmode=hunter2",
		"postgres://gate:hunter2@db/x?connect_timeout=hunter2", "postgres://gate:hunter2@db/x?sslmode=verify-full&sslrootcert=/nowhere/ca.pem",
	} {
		_, err := OpenPostgres(t.Context(), address, filepath.Join(t.TempDir(), KeyFile))
		wantKind(t, err, fault.Invalid)
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the error shows the password: %v", address, err)
		}
		if strings.Contains(address, "/nowhere/ca.pem") != strings.Contains(fault.Message(err), "/nowhere/ca.pem") {
			t.Errorf("%s: the message is %q", address, fault.Message(err))
		}
	}
}

// closedPort is a port of this machine where nobody listens.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	defer l.Close()
	return l.Addr().String()
}

func TestServerThatIsNotThere(t *testing.T) {
	address := "postgres://gate:hunter2@" + closedPort(t) + "/gatehouse"
	_, err := OpenPostgres(t.Context(), address, filepath.Join(t.TempDir(), KeyFile))
	wantKind(t, err, fault.Unavailable)
	if m := fault.Message(err); !strings.Contains(m, "127.0.0.1") || !strings.Contains(m, "refused") {
		t.Errorf("the message is %q", m)
	}
	if strings.Contains(err.Error(), "hunter2") {
		t.Errorf("the error shows the password: %v", err)
	}
}

// A server that takes the connection and says nothing, and one that speaks
// another language.
func TestServerThatIsNone(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	defer l.Close()
	address := "postgres://gate:hunter2@" + l.Addr().String() + "/gatehouse?sslmode=disable"
	answers := make(chan string, 1)
	go func() {
		for answer := range answers {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			if answer == "" {
				t.Cleanup(func() { _ = conn.Close() })
				continue
			}
			_, _ = conn.Write([]byte(answer))
			_ = conn.Close()
		}
	}()
	defer close(answers)
	answers <- "HTTP/1.1 400 Bad Request\r\n\r\n"
	_, err = OpenPostgres(t.Context(), address, filepath.Join(t.TempDir(), KeyFile))
	wantKind(t, err, fault.Unavailable)
	answers <- ""
	_, err = OpenPostgres(t.Context(), address+"&connect_timeout=1", filepath.Join(t.TempDir(), KeyFile))
	wantKind(t, err, fault.Unavailable)
	if m := fault.Message(err); !strings.Contains(m, "no answer in time") {
		t.Errorf("the message is %q (%v)", m, err)
	}
}

func TestServerThatRefuses(t *testing.T) {
	p := postgres(t)
	u, err := url.Parse(p.url)
	check(t, err)
	guest := u.Path[1:] + "_guest"
	pgtest.Exec(t, p.url, `CREATE ROLE `+guest+` LOGIN PASSWORD 'hunter2'`)
	t.Cleanup(func() { pgtest.Exec(t, p.url, `DROP ROLE `+guest) })
	for name, test := range map[string]struct{ address, phrase string }{
		"wrong password": {changed(t, p.url, func(u *url.URL) { u.User = url.UserPassword(guest, "hunter3") }), "does not let " + guest + " in"},
		"no such name":   {changed(t, p.url, func(u *url.URL) { u.Path += "x" }), "OWNER tests."},
		"no rights":      {changed(t, p.url, func(u *url.URL) { u.User = url.UserPassword(guest, "hunter2") }), "may not make tables"},
	} {
		_, err := OpenPostgres(t.Context(), test.address, filepath.Join(t.TempDir(), KeyFile))
		wantKind(t, err, fault.Invalid)
		if !strings.Contains(fault.Message(err), test.phrase) {
			t.Errorf("%s: the message is %q (%v)", name, fault.Message(err), err)
		}
		if strings.Contains(err.Error(), "hunter") {
			t.Errorf("%s: the error shows the password: %v", name, err)
		}
	}
}

func TestDatabaseOfAnotherEncodingIsRefused(t *testing.T) {
	p := postgres(t)
	name := ""
	other := changed(t, p.url, func(u *url.URL) { u.Path += "_ascii"; name = u.Path[1:] })
	pgtest.Exec(t, p.url, `CREATE DATABASE `+name+` ENCODING 'SQL_ASCII' LOCALE_PROVIDER libc LOCALE 'C' TEMPLATE template0`)
	t.Cleanup(func() { pgtest.Exec(t, p.url, `DROP DATABASE `+name+` WITH (FORCE)`) })
	_, err := OpenPostgres(t.Context(), other, filepath.Join(p.dir, KeyFile))
	wantKind(t, err, fault.Invalid)
	if !strings.Contains(fault.Message(err), "SQL_ASCII") {
		t.Errorf("the message is %q", fault.Message(err))
	}
}

// A browser may call itself anything, and nobody is turned away for it.
func TestAnyTextIsKept(t *testing.T) {
	each(t, func(t *testing.T, s *Store, c *clock) {
		addUser(t, s, "1")
		x := session(s, "s", "1", "h", time.Hour)
		x.Agent = "Fire\x00fox \xff\xfe ’"
		check(t, s.AddSession(t.Context(), x))
		got, err := s.CallerByCookie(t.Context(), "h", "blog", c.Now())
		if err != nil || !strings.HasPrefix(got.Session.Agent, "Fire") || !strings.HasSuffix(got.Session.Agent, "fox \xff\xfe ’") && !strings.HasSuffix(got.Session.Agent, "fox \uFFFD ’") {
			t.Errorf("agent is %q (%v)", got.Session.Agent, err)
		}
		state := oauthTransaction(c, "1", OAuthNew)
		state.State = "\xff\x00"
		check(t, s.AddOAuthTransaction(t.Context(), state))
		if x, err := s.OAuthTransactionByState(t.Context(), "\xff\x00"); err != nil || x.ID != "1" {
			t.Errorf("transaction is %+v (%v)", x, err)
		}
	})
}

// A server that was restarted, or a proxy that cut idle connections, costs no
// request.
func TestConnectionsThatWereCut(t *testing.T) {
	p := postgres(t)
	s, _ := p.open(t)
	addUser(t, s, "1")
	for range 3 {
		pgtest.Exec(t, p.url, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`)
		// Which of the two notices first does not matter.
		if err := s.SetSetting(t.Context(), "x", []byte("y")); err != nil && !fault.Is(err, fault.Unavailable) {
			t.Errorf("error is %v", err)
		}
		if _, err := s.CountUsers(t.Context()); err != nil && !fault.Is(err, fault.Unavailable) {
			t.Errorf("error is %v", err)
		}
		check(t, s.SetSetting(t.Context(), "x", []byte("y")))
		_, err := s.CountUsers(t.Context())
		check(t, err)
	}
}

func TestConnectionCutInATransaction(t *testing.T) {
	p := postgres(t)
	s, _ := p.open(t)
	err := s.tx(t.Context(), func(tx *sql.Tx) error {
		pgtest.Exec(t, p.url, `SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = 2 AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`)
		_, err := tx.ExecContext(t.Context(), `DELETE FROM users`)
		return err
	})
	wantKind(t, err, fault.Unavailable)
	check(t, s.SetSetting(t.Context(), "x", []byte("y")))
}

// Whoever waits for another process's writing can leave, and the wait is
// bounded by the server too.
func TestWaitingForAnotherWriter(t *testing.T) {
	p := postgres(t)
	one, _ := p.open(t)
	two, _ := p.open(t)
	check(t, one.tx(t.Context(), func(*sql.Tx) error {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if err := two.SetSetting(ctx, "x", []byte("y")); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error is %v, want the caller's own", err)
		}
		if _, err := two.CountUsers(t.Context()); err != nil {
			t.Errorf("readers wait for a writer: %v", err)
		}
		return nil
	}))
	check(t, two.SetSetting(t.Context(), "x", []byte("y")))
	err := two.tx(t.Context(), func(tx *sql.Tx) error {
		var lock, idle, isolation string
		check(t, tx.QueryRow(`SELECT current_setting('lock_timeout'), current_setting('idle_in_transaction_session_timeout'), current_setting('transaction_isolation')`).Scan(&lock, &idle, &isolation))
		if lock != "10s" || idle != "30s" || isolation != "read committed" {
			t.Errorf("lock_timeout is %s, idle_in_transaction_session_timeout %s, isolation %s", lock, idle, isolation)
		}
		return nil
	})
	check(t, err)
}

// What a server's administrator has chosen for all does not weaken the rule.
func TestIsolationIsOurs(t *testing.T) {
	p := postgres(t)
	u, err := url.Parse(p.url)
	check(t, err)
	pgtest.Exec(t, p.url, `ALTER DATABASE `+u.Path[1:]+` SET default_transaction_isolation = 'serializable'`)
	one, _ := p.open(t)
	two, _ := p.open(t)
	addUser(t, one, "1")
	var wg sync.WaitGroup
	for _, s := range []*Store{one, two} {
		wg.Go(func() {
			for range 20 {
				if err := s.UpdateUser(context.Background(), "1", func(u *User) { u.Name += "." }); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if u, err := one.User(t.Context(), "1"); err != nil || len(u.Name) != len("N 1")+40 {
		t.Errorf("%d of 40 updates are there (%v)", len(u.Name)-len("N 1"), err)
	}
}

// A database that moves to Postgres keeps its data directory, and so its key.
func TestPostgresTakesTheKeyThatIsThere(t *testing.T) {
	p := postgres(t)
	sealed(t, place{dir: p.dir})
	before, err := os.ReadFile(filepath.Join(p.dir, KeyFile))
	check(t, err)
	p.open(t)
	after, err := os.ReadFile(filepath.Join(p.dir, KeyFile))
	if err != nil || string(after) != string(before) {
		t.Errorf("the key is another (%v)", err)
	}
}

func TestCodesOfPostgres(t *testing.T) {
	p := postgres(t)
	s, _ := p.open(t)
	for code, kind := range map[string]fault.Kind{
		"23505": fault.Conflict, "23503": fault.NotFound, "40001": fault.Unavailable, "40P01": fault.Unavailable, "55P03": fault.Unavailable,
		"57014": fault.Unavailable, "53100": fault.Unavailable, "53300": fault.Unavailable, "25006": fault.Unavailable, "08006": fault.Unavailable,
		"57P01": fault.Unavailable, "42601": fault.Internal, "22003": fault.Internal,
	} {
		_, err := s.read.ExecContext(t.Context(), `DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '`+code+`'; END $$`)
		wantKind(t, failed(err), kind)
	}
}
