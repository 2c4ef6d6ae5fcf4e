package store

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gatehouse/internal/fault"
)

func fullConnector() Connector {
	return Connector{
		Name: "code", Kind: "gitlab", URL: "https://code.example.org/git", API: "https://code.example.org/git/api/v4",
		ClientID: "client-1", Secret: "connector-secret", Slug: "slug", Scope: "api", Sites: []string{"blog", "shop"},
		Callback: "/callback", CA: "-----BEGIN CERTIFICATE-----\n", Proxy: "http://ann:proxy-secret@proxy.example.org:3128",
		Private: true, NoPKCE: true, Launcher: true,
	}
}

func TestConnectorsRoundTrip(t *testing.T) {
	each(t, func(t *testing.T, s *Store, c *clock) {
		ctx := t.Context()
		want := fullConnector()
		check(t, s.AddConnector(ctx, want))
		check(t, s.AddConnector(ctx, Connector{Name: "a-plain-one", Kind: "github"}))
		want.Created, want.Updated = c.Now(), c.Now()
		got, err := s.Connector(ctx, "code")
		check(t, err)
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("connector differs (-want +got):\n%s", d)
		}
		all, err := s.Connectors(ctx)
		check(t, err)
		plain := Connector{Name: "a-plain-one", Kind: "github", Created: c.Now(), Updated: c.Now()}
		if d := cmp.Diff([]Connector{plain, want}, all); d != "" {
			t.Errorf("connectors differ (-want +got):\n%s", d)
		}
		check(t, s.DeleteConnector(ctx, "code"))
		wantKind(t, s.DeleteConnector(ctx, "code"), fault.NotFound)
		_, err = s.Connector(ctx, "code")
		wantKind(t, err, fault.NotFound)
		wantKind(t, s.UpdateConnector(ctx, want), fault.NotFound)
	})
}

func TestConnectorNamesAndCallbacksAreUnique(t *testing.T) {
	each(t, func(t *testing.T, s *Store, _ *clock) {
		ctx := t.Context()
		check(t, s.AddConnector(ctx, fullConnector()))
		wantKind(t, s.AddConnector(ctx, Connector{Name: "code"}), fault.Conflict)
		wantKind(t, s.AddConnector(ctx, Connector{Name: "other", Callback: "/callback"}), fault.Conflict)
		check(t, s.AddConnector(ctx, Connector{Name: "other"}))
		check(t, s.AddConnector(ctx, Connector{Name: "third"}))
	})
}

func TestUpdateConnector(t *testing.T) {
	each(t, func(t *testing.T, s *Store, c *clock) {
		ctx := t.Context()
		check(t, s.AddConnector(ctx, fullConnector()))
		first, err := s.Connector(ctx, "code")
		check(t, err)
		c.Advance(time.Hour)
		want := Connector{Name: "code", Kind: "gitea", URL: "https://other.example.org", ClientID: "client-2", Updated: first.Updated}
		check(t, s.UpdateConnector(ctx, want))
		got, err := s.Connector(ctx, "code")
		check(t, err)
		want.Secret, want.Created, want.Updated = "connector-secret", first.Created, c.Now()
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("connector differs (-want +got):\n%s", d)
		}
		want.Secret = "another"
		check(t, s.UpdateConnector(ctx, want))
		if got, err = s.Connector(ctx, "code"); err != nil || got.Secret != "another" {
			t.Errorf("secret is %q (%v), want the new one", got.Secret, err)
		}
		// The clock has not moved, and yet it is another version.
		wantKind(t, s.UpdateConnector(ctx, want), fault.Conflict)
	})
}

func TestOneOfManyUpdatesAConnector(t *testing.T) {
	once(t, func(t *testing.T, s *Store, _ *clock) {
		check(t, s.AddConnector(t.Context(), fullConnector()))
		c, err := s.Connector(t.Context(), "code")
		check(t, err)
		var won atomic.Int32
		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() {
				switch err := s.UpdateConnector(context.Background(), c); {
				case err == nil:
					won.Add(1)
				case !fault.Is(err, fault.Conflict):
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if won.Load() != 1 {
			t.Errorf("%d updates of one version went through", won.Load())
		}
	})
}

// A thief who can write to the database must not be able to have one secret
// used in the place of another.
func TestConnectorSecretsCannotBeSwapped(t *testing.T) {
	once(t, func(t *testing.T, s *Store, _ *clock) {
		check(t, s.AddConnector(t.Context(), fullConnector()))
		check(t, s.AddConnector(t.Context(), Connector{Name: "other", Secret: "x"}))
		_, err := s.write.Exec(`UPDATE connectors SET secret = (SELECT secret FROM connectors WHERE name = 'code') WHERE name = 'other'`)
		check(t, err)
		_, err = s.Connector(t.Context(), "other")
		wantKind(t, err, fault.Internal)
		_, err = s.write.Exec(`UPDATE connectors SET secret = proxy WHERE name = 'code'`)
		check(t, err)
		_, err = s.Connector(t.Context(), "code")
		wantKind(t, err, fault.Internal)
	})
}
