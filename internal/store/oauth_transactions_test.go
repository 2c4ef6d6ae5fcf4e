package store

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gatehouse/internal/fault"
)

func oauthTransaction(c *clock, id, status string) OAuthTransaction {
	return OAuthTransaction{ID: id, Cookie: "cookie " + id, Status: status, Created: c.Now(), Expires: c.Now().Add(10 * time.Minute)}
}

func TestOAuthTransactionsRoundTrip(t *testing.T) {
	each(t, func(t *testing.T, s *Store, c *clock) {
		ctx := t.Context()
		want := OAuthTransaction{
			ID: "1", Cookie: "c", State: "s", Status: OAuthBegun, OK: true, Site: "blog", Provider: "github", Connector: "hub", Host: "https://hub.example",
			Scope: "repo", Redirect: "https://auth.test/callback/hub", Origin: "https://www.example.com", Launcher: true,
			Created: c.Now(), Expires: c.Now().Add(time.Minute), Verifier: "the verifier", Outcome: []byte("the outcome"),
		}
		check(t, s.AddOAuthTransaction(ctx, want))
		wantKind(t, s.AddOAuthTransaction(ctx, want), fault.Conflict)
		x, err := s.UpdateOAuthTransaction(ctx, "1", func(x *OAuthTransaction) error {
			if d := cmp.Diff(want, *x); d != "" {
				t.Errorf("transaction differs (-want +got):\n%s", d)
			}
			x.State, x.Status, x.OK, x.Site, x.Connector, x.Scope, x.Redirect, x.Origin = "s2", OAuthDone, false, "shop", "lab", "api", "r", "o"
			x.Launcher, x.Verifier, x.Outcome, x.Expires, x.Host = false, "", []byte("another"), c.Now().Add(time.Hour), "https://lab.example"
			want = *x
			return nil
		})
		check(t, err)
		if d := cmp.Diff(want, x); d != "" {
			t.Errorf("transaction differs (-want +got):\n%s", d)
		}
		if outcome, err := s.OAuthOutcome(ctx, "1"); err != nil || string(outcome) != "another" {
			t.Errorf("outcome is %q (%v)", outcome, err)
		}
		want.Outcome = nil
		for name, read := range map[string]func() (OAuthTransaction, error){
			"id":    func() (OAuthTransaction, error) { return s.OAuthTransaction(ctx, "1") },
			"state": func() (OAuthTransaction, error) { return s.OAuthTransactionByState(ctx, "s2") },
			"cookie": func() (OAuthTransaction, error) {
				list, err := s.OAuthTransactionsByCookie(ctx, []string{"x", "c"})
				return append(list, OAuthTransaction{})[0], err
			},
		} {
			got, err := read()
			if d := cmp.Diff(want, got); d != "" || err != nil {
				t.Errorf("by %s differs (%v; -want +got):\n%s", name, err, d)
			}
		}
	})
}

func TestOAuthTransactionThatIsNotThere(t *testing.T) {
	each(t, func(t *testing.T, s *Store, _ *clock) {
		ctx := t.Context()
		_, err := s.OAuthTransaction(ctx, "1")
		wantKind(t, err, fault.NotFound)
		_, err = s.OAuthTransactionByState(ctx, "1")
		wantKind(t, err, fault.NotFound)
		_, err = s.OAuthOutcome(ctx, "1")
		wantKind(t, err, fault.NotFound)
		_, err = s.UpdateOAuthTransaction(ctx, "1", func(*OAuthTransaction) error { return errors.New("called") })
		wantKind(t, err, fault.NotFound)
		if list, err := s.OAuthTransactionsByCookie(ctx, nil); err != nil || len(list) != 0 {
			t.Errorf("%v (%v)", list, err)
		}
	})
}

// Many transactions have no state yet; that is no state that they share.
func TestOAuthTransactionsWithoutState(t *testing.T) {
	each(t, func(t *testing.T, s *Store, c *clock) {
		check(t, s.AddOAuthTransaction(t.Context(), oauthTransaction(c, "1", OAuthNew)))
		check(t, s.AddOAuthTransaction(t.Context(), oauthTransaction(c, "2", OAuthNew)))
		_, err := s.OAuthTransactionByState(t.Context(), "")
		wantKind(t, err, fault.NotFound)
	})
}

func TestRefusedUpdateChangesNothing(t *testing.T) {
	each(t, func(t *testing.T, s *Store, c *clock) {
		check(t, s.AddOAuthTransaction(t.Context(), oauthTransaction(c, "1", OAuthNew)))
		_, err := s.UpdateOAuthTransaction(t.Context(), "1", func(x *OAuthTransaction) error {
			x.Status = OAuthDone
			return fault.New(fault.Forbidden, "No.")
		})
		wantKind(t, err, fault.Forbidden)
		if x, err := s.OAuthTransaction(t.Context(), "1"); err != nil || x.Status != OAuthNew {
			t.Errorf("transaction is %+v (%v)", x, err)
		}
	})
}

// fill brings the table to n rows of one status, by the quick way.
func fillOAuth(t *testing.T, s *Store, c *clock, status string, from, n int) {
	t.Helper()
	_, err := s.write.Exec(`
		WITH RECURSIVE n (i) AS (SELECT CAST($1 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i + 1 < $2)
		INSERT INTO oauth_transactions (`+oauthColumns+`, verifier, outcome)
		SELECT 'row ' || i, 'row ' || i, NULL, $3, FALSE, '', '', '', '', '', '', '', FALSE, $4 + i, $5, '', '' FROM n`,
		from, from+n, status, ms(c.Now()), ms(c.Now().Add(time.Hour)))
	check(t, err)
}

func countOAuth(t *testing.T, s *Store) (n int) {
	t.Helper()
	check(t, s.read.QueryRow(`SELECT count(*) FROM oauth_transactions`).Scan(&n))
	return n
}

func TestOAuthTransactionsAreBounded(t *testing.T) {
	once(t, func(t *testing.T, s *Store, c *clock) {
		ctx := t.Context()
		fillOAuth(t, s, c, OAuthBegun, 0, 4000)
		fillOAuth(t, s, c, OAuthNew, 4000, 5990)
		c.Advance(time.Minute)
		for i := range 300 {
			check(t, s.AddOAuthTransaction(ctx, oauthTransaction(c, fmt.Sprint(i), OAuthNew)))
			if n := countOAuth(t, s); n > maxOAuthTransactions {
				t.Fatalf("%d rows", n)
			}
		}
		for id, there := range map[string]bool{"row 0": true, "row 3999": true, "row 4000": false, "row 4250": false, "row 5000": true, "299": true} {
			if _, err := s.OAuthTransaction(ctx, id); (err == nil) != there {
				t.Errorf("%s: %v; the oldest that nobody went on with were to go", id, err)
			}
		}
	})
}

// With an origin made up, a program can begin sign-ins until the table is full.
func TestSignInsBegunByAProgramKeepNobodyOut(t *testing.T) {
	each(t, func(t *testing.T, s *Store, c *clock) {
		ctx := t.Context()
		fillOAuth(t, s, c, OAuthBegun, 0, maxOAuthTransactions)
		c.Advance(time.Minute)
		for i := range 3 {
			check(t, s.AddOAuthTransaction(ctx, oauthTransaction(c, fmt.Sprint(i), OAuthNew)))
		}
		for id, there := range map[string]bool{"row 0": false, "row 9999": true, "0": true, "2": true} {
			if _, err := s.OAuthTransaction(ctx, id); (err == nil) != there {
				t.Errorf("%s: %v; the oldest were to go", id, err)
			}
		}
	})
}

func TestFullTableOfSignInsTakesNoMore(t *testing.T) {
	once(t, func(t *testing.T, s *Store, c *clock) {
		ctx := t.Context()
		fillOAuth(t, s, c, OAuthReturned, 0, maxOAuthTransactions)
		for i := range 3 {
			err := s.AddOAuthTransaction(ctx, oauthTransaction(c, fmt.Sprint(i), OAuthNew))
			var f *fault.Error
			if !errors.As(err, &f) || f.Kind != fault.TooMany || f.RetryAfter == 0 {
				t.Fatalf("error is %v", err)
			}
		}
		c.Advance(2 * time.Hour) // all have expired
		check(t, s.AddOAuthTransaction(ctx, oauthTransaction(c, "late", OAuthNew)))
		if n := countOAuth(t, s); n != 1 {
			t.Errorf("%d rows, want the new one", n)
		}
	})
}

func TestSweepOfSignIns(t *testing.T) {
	each(t, func(t *testing.T, s *Store, c *clock) {
		ctx := t.Context()
		for _, status := range []string{OAuthNew, OAuthBegun, OAuthReturned, OAuthDone, OAuthFailed, OAuthClaimed, OAuthWithdrawn} {
			x := oauthTransaction(c, status, status)
			x.Verifier, x.Outcome = "v", []byte("o")
			check(t, s.AddOAuthTransaction(ctx, x))
		}
		for _, step := range []struct {
			after         time.Duration
			rows, secrets int
		}{
			{10*time.Minute - time.Millisecond, 7, 7},
			{10 * time.Minute, 7, 1}, // what is done waits for Abandoned
			{70 * time.Minute, 1, 1},
			{24*time.Hour + 10*time.Minute, 0, 0},
		} {
			check(t, s.Sweep(ctx, c.Now().Add(step.after)))
			var secrets int
			check(t, s.read.QueryRow(`SELECT count(*) FROM oauth_transactions WHERE verifier <> '' OR outcome <> ''`).Scan(&secrets))
			if n := countOAuth(t, s); n != step.rows || secrets != step.secrets {
				t.Errorf("after %v there are %d rows, %d with secrets; want %d and %d", step.after, n, secrets, step.rows, step.secrets)
			}
		}
	})
}

// inFiles reports whether text lies in a database's files.
func inFiles(t *testing.T, dir, text string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	check(t, err)
	for _, f := range files {
		data, err := os.ReadFile(f)
		check(t, err)
		if bytes.Contains(data, []byte(text)) {
			return true
		}
	}
	return false
}

func TestNoSecretLiesOpen(t *testing.T) {
	dir := t.TempDir()
	s, c := open(t, filepath.Join(dir, "gatehouse.db"))
	x := oauthTransaction(c, "1", OAuthDone)
	x.Verifier, x.Outcome, x.Scope = "secret-verifier", []byte("secret-outcome"), "an-open-scope"
	check(t, s.AddOAuthTransaction(t.Context(), x))
	check(t, s.AddConnector(t.Context(), fullConnector()))
	if !inFiles(t, dir, "an-open-scope") || !inFiles(t, dir, "client-1") {
		t.Fatal("the test looks at the wrong files")
	}
	for _, secret := range []string{"secret-verifier", "secret-outcome", "connector-secret", "proxy-secret"} {
		if inFiles(t, dir, secret) {
			t.Errorf("%s lies open in the database", secret)
		}
	}
}

// Room that was made in a transaction that failed was not made.
func TestFullTableAfterAFailure(t *testing.T) {
	once(t, func(t *testing.T, s *Store, c *clock) {
		fillOAuth(t, s, c, OAuthNew, 0, maxOAuthTransactions)
		for range 3 {
			wantKind(t, s.AddOAuthTransaction(t.Context(), oauthTransaction(c, "row 9999", OAuthNew)), fault.Conflict)
		}
		if n := countOAuth(t, s); n != maxOAuthTransactions {
			t.Errorf("%d rows", n)
		}
		for i := range 150 {
			check(t, s.AddOAuthTransaction(t.Context(), oauthTransaction(c, fmt.Sprint(i), OAuthNew)))
			if n := countOAuth(t, s); n > maxOAuthTransactions {
				t.Fatalf("%d rows", n)
			}
		}
	})
}
