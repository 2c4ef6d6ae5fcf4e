package auth

import (
	"context"
	"net/http"
	"net/netip"
	"time"

	"gatehouse/internal/fault"
	"gatehouse/internal/store"
)

// touchEvery is how often the use of a session is written down. More often
// would cost a write per request.
const touchEvery = 5 * time.Minute

// Sessions are the sign-ins of people. Fields are set before use.
type Sessions struct {
	Store  *store.Store
	Secure bool             // pages come over https: the cookie is Secure and bound to the host
	Now    func() time.Time // nil: time.Now
}

// CookieName is the name of the session cookie. The prefix makes browsers
// refuse one that another host or an insecure page has set.
func (s *Sessions) CookieName() string {
	if s.Secure {
		return "__Host-gatehouse"
	}
	return "gatehouse"
}

// Start begins a session for a user who has just proved who they are, and sets
// its cookie. The session that the request carried, if any, ends: a cookie from
// before the sign-in is worth nothing after it.
func (s *Sessions) Start(w http.ResponseWriter, r *http.Request, userID string, from netip.Addr) (Session, error) {
	ctx, now := r.Context(), timeOf(s.Now)
	if old := s.cookie(r); old != "" {
		if err := s.Store.EndCookie(ctx, hashOf(old)); err != nil {
			return Session{}, err
		}
	}
	token := NewToken()
	x := store.Session{
		ID: newID(), UserID: userID, TokenHash: hashOf(token),
		Created: now, Seen: now, Expires: now.Add(BrowserIdle),
		Agent: agentOf(r.UserAgent()), Address: addressOf(from),
	}
	if err := s.Store.AddSession(ctx, x); err != nil {
		return Session{}, err
	}
	// The cookie may stay until the absolute end; the server knows the rest.
	s.setCookie(w, token, int(Absolute/time.Second))
	return sessionOf(x), nil
}

// End signs a browser out: its session ends and the cookie is taken back. It is
// no error when there was none.
func (s *Sessions) End(w http.ResponseWriter, r *http.Request) error {
	s.setCookie(w, "", -1)
	if token := s.cookie(r); token != "" {
		return s.Store.EndCookie(r.Context(), hashOf(token))
	}
	return nil
}

// List are a user's live sessions, browsers and identity clients, the one last
// seen first.
func (s *Sessions) List(ctx context.Context, userID string) ([]Session, error) {
	rows, err := s.Store.Sessions(ctx, userID, timeOf(s.Now))
	if err != nil {
		return nil, err
	}
	list := make([]Session, len(rows))
	for i, x := range rows {
		list[i] = sessionOf(x)
	}
	return list, nil
}

// Revoke ends one session of a user. NotFound when the user has no such
// session.
func (s *Sessions) Revoke(ctx context.Context, userID, id string) error {
	err := s.Store.EndSession(ctx, userID, id)
	if fault.Is(err, fault.NotFound) {
		return fault.Wrap(fault.NotFound, err, "There is no such session. It may have ended already.")
	}
	return err
}

// RevokeAll ends all sessions of a user, refresh tokens included, and says how
// many there were.
func (s *Sessions) RevokeAll(ctx context.Context, userID string) (int, error) {
	return s.Store.EndSessions(ctx, userID)
}

// principal is the holder of the request's cookie, at a site.
func (s *Sessions) principal(r *http.Request, site string) (Principal, error) {
	token := s.cookie(r)
	if token == "" {
		return Principal{}, notSignedIn()
	}
	now := timeOf(s.Now)
	c, err := s.Store.CallerByCookie(r.Context(), hashOf(token), site, now)
	if fault.Is(err, fault.NotFound) {
		return Principal{}, notSignedIn()
	}
	if err != nil {
		return Principal{}, err
	}
	if now.Sub(c.Session.Seen) >= touchEvery {
		c.Session.Expires = earlier(now.Add(BrowserIdle), c.Session.Created.Add(Absolute))
		// Reading must go on when the disk is full: the session then only
		// ends earlier than it might.
		_ = s.Store.TouchSession(r.Context(), c.Session.ID, now, c.Session.Expires)
	}
	return principalOf(c, c.Session.Expires), nil
}

// cookie is the token of the request; empty when there is none of the right
// form.
func (s *Sessions) cookie(r *http.Request) string {
	c, err := r.Cookie(s.CookieName())
	if err != nil || len(c.Value) != TokenLength {
		return ""
	}
	return c.Value
}

func (s *Sessions) setCookie(w http.ResponseWriter, value string, maxAge int) {
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure unless the pages come over plain http, from loopback
		Name: s.CookieName(), Value: value, Path: "/", MaxAge: maxAge,
		HttpOnly: true, Secure: s.Secure, SameSite: http.SameSiteLaxMode,
	})
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func addressOf(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.Unmap().WithZone("").String()
}
