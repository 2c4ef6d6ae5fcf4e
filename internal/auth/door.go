package auth

import (
	"context"
	"net/http"
	"strings"

	"gatehouse/internal/fault"
)

// Door lets requests in. Fields are set before use.
type Door struct {
	Sessions  *Sessions
	Issuer    *Issuer
	IssuerURL func(site string) string // a site's identity URL; empty: no such site
}

// Principal is who sent a request, with their roles at a site (empty: none is
// meant). An Authorization header decides alone, also when it is wrong; without
// one the session cookie does. A caller who is no member of the site has no
// roles; to refuse them is the site's business.
//
// It fails with Unauthenticated when nobody is signed in, and with other kinds
// when that cannot be found out.
func (d *Door) Principal(r *http.Request, site string) (Principal, error) {
	values := r.Header.Values("Authorization")
	switch len(values) {
	case 0:
		return d.Sessions.principal(r, site)
	case 1:
		if token, ok := BearerToken(values[0]); ok {
			return d.Bearer(r.Context(), token, site)
		}
	}
	return Principal{}, notSignedIn()
}

// Bearer is who holds an access token, at the site it was made for. The token's
// family must still be alive.
func (d *Door) Bearer(ctx context.Context, token, site string) (Principal, error) {
	c, err := d.Issuer.verify(token, site, d.IssuerURL(site))
	if err != nil {
		return Principal{}, err
	}
	caller, err := d.Issuer.store.CallerBySession(ctx, c.Session, site, timeOf(d.Issuer.Now))
	if fault.Is(err, fault.NotFound) {
		return Principal{}, notSignedIn()
	}
	if err != nil {
		return Principal{}, err
	}
	if caller.User.ID != c.Subject || caller.Session.Site != site || caller.Session.Browser() {
		return Principal{}, notSignedIn()
	}
	return principalOf(caller, numericDate(c.Expires).Time), nil
}

// BearerToken takes the token out of an Authorization header.
func BearerToken(header string) (token string, ok bool) {
	scheme, token, ok := strings.Cut(header, " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") || token == "" || strings.ContainsAny(token, " \t") {
		return "", false
	}
	return token, true
}
