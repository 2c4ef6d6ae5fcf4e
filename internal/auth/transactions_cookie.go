package auth

import (
	"crypto/subtle"
	"net/http"
	"strings"

	"gatehouse/internal/store"
)

// maxPerBrowser is how many transactions a browser may have, one cookie each.
const maxPerBrowser = 5

// maxCookies bounds how many cookies of a request are looked up. A browser of
// ours has maxPerBrowser, and those of transactions that have expired.
const maxCookies = 32

// cookieID is how much of a transaction's id names its cookie.
const cookieID = 8

// cookiePrefix begins the names of the cookies. Its own prefix makes browsers
// refuse one that another host or an insecure page has set.
func (x *Transactions) cookiePrefix() string {
	if x.Secure {
		return "__Host-gatehouse_tx_"
	}
	return "gatehouse_tx_"
}

func (x *Transactions) cookieName(id string) string {
	return x.cookiePrefix() + id[:min(cookieID, len(id))]
}

// holds reports whether r carries the cookie of a transaction; never of the
// zero one.
func (x *Transactions) holds(r *http.Request, row store.OAuthTransaction) bool {
	found := 0
	for _, c := range r.CookiesNamed(x.cookieName(row.ID)) {
		found |= subtle.ConstantTimeCompare([]byte(hashOf(c.Value)), []byte(row.Cookie))
	}
	return found == 1
}

// crowd says what has to go before the browser that sent r gets another
// transaction: the ids of those over the bound, which this browser proves to
// hold, and the names of cookies that are worth nothing (any more).
func (x *Transactions) crowd(r *http.Request) (drop, stale []string, err error) {
	names := map[string]string{} // by the hash of the value
	var hashes []string
	for _, c := range r.Cookies() {
		id, ok := strings.CutPrefix(c.Name, x.cookiePrefix())
		if !ok || len(id) != cookieID || len(hashes) == maxCookies {
			continue
		}
		hash := hashOf(c.Value)
		names[hash] = c.Name
		hashes = append(hashes, hash)
	}
	rows, err := x.Store.OAuthTransactionsByCookie(r.Context(), hashes)
	if err != nil {
		return nil, nil, err
	}
	for i, row := range rows {
		if i < len(rows)+1-maxPerBrowser {
			drop = append(drop, row.ID)
		} else {
			delete(names, row.Cookie)
		}
	}
	for _, name := range names {
		stale = append(stale, name)
	}
	return drop, stale, nil
}

func (x *Transactions) setCookie(w http.ResponseWriter, name, value string, maxAge int) {
	// Lax, not strict: the way back from the host is a link of another site.
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure unless the pages come over plain http, from loopback
		Name: name, Value: value, Path: "/", MaxAge: maxAge,
		HttpOnly: true, Secure: x.Secure, SameSite: http.SameSiteLaxMode,
	})
}
