package broker

import (
	"net/http"
	"slices"
	"testing"

	"gatehouse/internal/connector"
	"gatehouse/internal/provider"
)

func TestN75AppsOfTwoSites(t *testing.T) {
	w := newWorld(t, func(w *world) {
		// Both at one host, each with its own app.
		w.entries[1].URL, w.entries[1].API = w.host.URL, w.host.URL+"/api"
	})
	const club = "https://www.other.org"
	b := w.browser()
	for _, x := range []struct{ query, origin, client string }{
		{www, shop, "id-www"}, {"provider=github&site_id=org", club, "id-org"}, {www, shop, "id-www"},
	} {
		tx, next := b.begin(x.query, x.origin)
		if got := query(t, next).Get("client_id"); got != x.client {
			t.Errorf("%s is sent to the host as %s", x.query, got)
		}
		b.returned(w.host.approve(t, next))
		if outcome, content := b.claimed(tx, x.origin); outcome != "success" {
			t.Errorf("%s: %v", x.query, content)
		}
	}
	if got := w.host.clients; !slices.Equal(got, []string{"id-www", "id-org", "id-www"}) {
		t.Errorf("token requests of %v", got)
	}
}

func TestN76OriginOfTwoSites(t *testing.T) {
	const both = "https://both.example"
	w := newWorld(t, func(w *world) {
		w.sites[0].Origins, w.sites[1].Origins = []string{shop, both}, []string{"https://www.other.org", both}
	})
	for _, x := range []struct {
		query string
		host  *host
	}{{www, w.host}, {"provider=github&site_id=org", w.other}} {
		if got := w.browser().token(x.query, both, x.host); got["token"] == nil {
			t.Errorf("%s: %v", x.query, got)
		}
	}
	// The host name says nothing now.
	if res := w.browser().get("/auth?provider=github&site_id=both.example"); res.StatusCode != http.StatusNotFound {
		t.Errorf("one of two is chosen: %d", res.StatusCode)
	}
	if w.host.asked() != 1 || w.other.asked() != 1 {
		t.Errorf("%d and %d token requests", w.host.asked(), w.other.asked())
	}
}

func TestN79OriginRemoved(t *testing.T) {
	for name, reload := range map[string]func(*world){
		"the origin": func(w *world) { w.sites[0].Origins = []string{"https://new.example"} },
		"the site":   func(w *world) { w.sites = w.sites[1:] },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(w *world) { w.host.expiring = true })
			b := w.browser()
			tx := b.signIn(www, shop, w.host)
			reload(w)
			w.build()
			status, got := b.claim(tx)
			if status != http.StatusForbidden || got["message"] != nil || got["page"] == nil {
				t.Errorf("claim: %d %v", status, got)
			}
			if w.host.alive() != 0 {
				t.Error("the token was not revoked")
			}
			if families, err := w.Handles.Families(t.Context(), 10); err != nil || len(families) != 0 {
				t.Errorf("its handle is good still: %v %v", families, err)
			}
			w.silent()
		})
	}
}

func TestN79OriginRemovedBeforeTheHost(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	tx := b.open(www)
	w.sites[0].Origins = []string{"https://new.example"}
	w.build()
	if status, got := b.post("/auth/begin", map[string]any{"tx": tx, "origin": shop}); status != http.StatusForbidden {
		t.Errorf("begin: %d %v", status, got)
	}
}

func TestN79ConnectorRemoved(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	_, next := b.begin(www, shop)
	back := w.host.approve(t, next)
	w.entries = w.entries[1:]
	w.build()
	w.page(b.returned(back), http.StatusNotFound, "E-state")
	w.unasked()
}

// A connector keeps its name and gets another host: nothing that the former one
// has given may go there, neither in a sign-in nor after it.
func TestConnectorWithAnotherHost(t *testing.T) {
	moved := func(w *world) {
		w.entries[0].URL, w.entries[0].API = w.other.URL, w.other.URL+"/api"
		w.build()
	}
	t.Run("refresh token", func(t *testing.T) {
		w, handle := expiring(t)
		moved(w)
		res, got := w.refresh(handle, shop)
		w.invalid(res, got, http.StatusBadRequest, "invalid_grant")
		if w.other.asked() != 0 {
			t.Error("the refresh token went to another host")
		}
		w.entries[0].URL, w.entries[0].API = w.host.URL, w.host.URL+"/api"
		w.build()
		if res, got := w.refresh(handle, shop); res.StatusCode != http.StatusOK {
			t.Errorf("with its own host again: %d %v", res.StatusCode, got)
		}
	})
	t.Run("code", func(t *testing.T) {
		w := newWorld(t)
		b := w.browser()
		tx, next := b.begin(www, shop)
		back := w.host.approve(t, next)
		moved(w)
		b.returned(back)
		if outcome, content := b.claimed(tx, shop); outcome != "error" || w.other.asked() != 0 {
			t.Errorf("%s %v; the other host was asked %d times", outcome, content, w.other.asked())
		}
	})
	t.Run("token to be revoked", func(t *testing.T) {
		w := newWorld(t)
		b := w.browser()
		tx := b.signIn(www, shop, w.host)
		moved(w)
		b.post("/auth/report", map[string]any{"tx": tx, "page": "E-opener-gone"})
		if len(w.other.tokens) != 0 { // it knows what it was asked to end
			t.Error("the token went to another host")
		}
	})
}

// The operator has given the site another app: what came by the former one ends.
func TestSiteWithAnotherConnector(t *testing.T) {
	w, handle := expiring(t)
	w.entries = append(w.entries, connector.Entry{Secret: "secret-new", Connector: connector.Connector{
		Name: "new", Kind: provider.GitHub, URL: w.host.URL, API: w.host.URL + "/api", ClientID: "id-new",
	}})
	w.sites[0].Connectors = []string{"new"}
	w.build()
	res, got := w.refresh(handle, shop)
	w.invalid(res, got, http.StatusBadRequest, "invalid_grant")
	if w.host.renewals != 0 {
		t.Error("the former app was used")
	}
}
