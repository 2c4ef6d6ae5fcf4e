package auth

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/fault"
)

func TestTransactionCookie(t *testing.T) {
	for _, secure := range []bool{true, false} {
		x, b := newSignIns(t), &browser{}
		x.Secure = secure
		id := x.start(t, b).ID
		want := http.Cookie{Name: "gatehouse_tx_" + id[:8], Path: "/", MaxAge: 600, HttpOnly: true, Secure: secure, SameSite: http.SameSiteLaxMode}
		if secure {
			want.Name = "__Host-" + want.Name
		}
		wantCookie := func(maxAge int) {
			t.Helper()
			if len(b.cookies) != 1 {
				t.Fatalf("cookies are %v", b.cookies)
			}
			c := *b.cookies[0]
			if len(c.Value) != TokenLength || strings.Contains(id, c.Value) || c.Domain != "" {
				t.Errorf("cookie is %v", c)
			}
			want.MaxAge = maxAge
			want.Value, want.Raw = c.Value, c.Raw
			if c.String() != want.String() {
				t.Errorf("cookie is %v, want %v", &c, &want)
			}
		}
		wantCookie(600)
		state, _ := x.begin(t, b, id)
		_, _, err := x.Return(b.request(), "github", state)
		check(t, err)
		check(t, x.Finish(t.Context(), id, true, nil))
		before := b.cookies[0].Value
		_, _, err = x.claim(b, id)
		check(t, err)
		wantCookie(120)
		if b.cookies[0].Value != before {
			t.Error("the cookie's value has changed: it could not be withdrawn")
		}
	}
}

func TestBrowserHasFiveSignIns(t *testing.T) {
	x, b := newSignIns(t), &browser{}
	var ids []string
	for range 20 {
		ids = append(ids, x.start(t, b).ID)
		x.clock.Advance(time.Second)
		if len(b.cookies) > 5 {
			t.Fatalf("%d cookies", len(b.cookies))
		}
	}
	all := &browser{cookies: b.cookies}
	for i, id := range ids {
		_, err := x.Find(all.request(), id)
		if (err == nil) != (i >= 15) {
			t.Errorf("transaction %d: %v", i, err)
		}
	}
	for _, id := range ids[:15] {
		_, err := x.Store.OAuthTransaction(t.Context(), id)
		wantKind(t, err, fault.NotFound)
	}
}

// Two popups for two sites, whose ways cross.
func TestSignInsSideBySide(t *testing.T) {
	x, b := newSignIns(t), &browser{}
	one, two := x.start(t, b).ID, x.start(t, b).ID
	first, _ := x.begin(t, b, one)
	second, _ := x.begin(t, b, two)
	for state, id := range map[string]string{second: two, first: one} {
		if got, _, err := x.Return(b.request(), "github", state); err != nil || got.ID != id {
			t.Fatalf("returned %+v (%v), want %s", got, err, id)
		}
		check(t, x.Finish(t.Context(), id, true, []byte(id)))
	}
	for _, id := range []string{one, two} {
		if _, outcome, err := x.claim(b, id); err != nil || outcome != id {
			t.Errorf("claimed %q (%v), want %q", outcome, err, id)
		}
	}
}

// A token that waits to be claimed is not forgotten because its browser begins
// too many others.
func TestSignInThatMakesWayIsRevoked(t *testing.T) {
	x, b := newSignIns(t), &browser{}
	id := x.returned(t, b).ID
	check(t, x.Finish(t.Context(), id, true, []byte("token")))
	for range 5 {
		x.clock.Advance(time.Millisecond)
		x.start(t, b)
	}
	list, err := x.Abandoned(t.Context(), 10)
	if err != nil || len(list) != 1 || list[0].ID != id {
		t.Errorf("abandoned are %+v (%v)", list, err)
	}
	// One that is being finished is gone, and whoever has the token hears it.
	id = x.returned(t, &browser{}).ID
	b = &browser{}
	id2 := x.returned(t, b).ID
	for range 5 {
		x.clock.Advance(time.Millisecond)
		x.start(t, b)
	}
	wantCause(t, x.Finish(t.Context(), id2, true, []byte("token")), ErrUnknownTransaction, fault.Forbidden)
	check(t, x.Finish(t.Context(), id, true, nil))
}

func TestCookiesWorthNothingAreTakenBack(t *testing.T) {
	x, b := newSignIns(t), &browser{}
	x.start(t, b)
	for i := range 3 {
		b.cookies = append(b.cookies, &http.Cookie{Name: fmt.Sprintf("__Host-gatehouse_tx_0000000%d", i), Value: NewToken()})
	}
	b.cookies = append(b.cookies, &http.Cookie{Name: "__Host-gatehouse", Value: "session"}, &http.Cookie{Name: "__Host-gatehouse_tx_", Value: "x"})
	live := x.start(t, b)
	var names []string
	for _, c := range b.cookies {
		names = append(names, c.Name)
	}
	if len(names) != 4 || !slices.Contains(names, x.cookieName(live.ID)) || !slices.Contains(names, "__Host-gatehouse") {
		t.Errorf("cookies left are %v", names)
	}
}

// Nobody can push another browser's sign-in out: it takes the cookie.
func TestForgedCookiesDropNothing(t *testing.T) {
	x, b, thief := newSignIns(t), &browser{}, &browser{}
	id := x.start(t, b).ID
	for range 200 {
		thief.cookies = append(thief.cookies, &http.Cookie{Name: x.cookieName(id), Value: NewToken()})
	}
	w := httptest.NewRecorder()
	_, err := x.Start(w, thief.request(), Transaction{Site: "blog", Provider: "github"})
	check(t, err)
	if n := len(w.Result().Cookies()); n > maxCookies+1 {
		t.Errorf("the answer sets %d cookies", n)
	}
	x.begin(t, b, id)
}

func FuzzReturn(f *testing.F) {
	x := newSignIns(f)
	b := &browser{}
	id := x.start(f, b).ID
	state, _ := x.begin(f, b, id)
	f.Add(b.cookies[0].Name+"=", state)
	f.Add(b.cookies[0].String()[1:], state)
	f.Add("__Host-gatehouse_tx_="+NewToken(), "")
	f.Add("\x00=;;;="+b.cookies[0].Value, state+"\x00")
	f.Fuzz(func(t *testing.T, cookie, state string) {
		if strings.Contains(cookie, b.cookies[0].Value) {
			return
		}
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Cookie", cookie)
		if _, _, err := x.Return(r, "github", state); !fault.Is(err, fault.Invalid) {
			t.Errorf("%v", err)
		}
		if _, err := x.Find(r, id); !fault.Is(err, fault.Forbidden) {
			t.Errorf("%v", err)
		}
	})
}
