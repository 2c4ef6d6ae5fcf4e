// Package auth answers who is calling: browser sessions (a cookie) and identity
// access tokens (a JWT made for one site).
//
//	sign-in page ── Sessions.Start ──► cookie ────────────┐
//	                                                      ├──► Door.Principal ──► Principal
//	identity API ── Issuer.Start ──► access token (1 h) ──┘
//	                      │
//	                      └► refresh token ── Issuer.Refresh ──► its successor, and again
//
// Both kinds of sign-in are rows of one table of sessions, so that a person can
// list and end them alike. Every request looks its session, its user and the
// user's roles up anew: what is taken away is gone at once, also for an access
// token that has not expired.
//
// It also keeps what the popup of CMS pages elsewhere must remember: sign-ins at
// Git hosts that are under way (Transactions), and what stands in browsers for
// the hosts' refresh tokens (Handles).
//
// Cookies and refresh tokens are random or derived values of 256 bits; only
// their SHA-256 is stored.
package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"time"
	"unicode"

	"gatehouse/internal/fault"
	"gatehouse/internal/store"
)

// How long a sign-in lasts. A session that is used goes on until its Absolute
// end; one that is not ends after the idle time.
const (
	BrowserIdle  = 14 * 24 * time.Hour
	RefreshIdle  = 30 * 24 * time.Hour
	Absolute     = 90 * 24 * time.Hour
	AccessLife   = time.Hour
	RefreshGrace = time.Minute
)

// Principal is an authenticated caller at one site.
type Principal struct {
	UserID      string
	Email, Name string
	AvatarURL   string
	Operator    bool      // everything, at every site
	Roles       []string  // at the site of the request; none: not a member
	Session     string    // stable id of the browser session or token family
	SignedIn    time.Time // when that began: the last proof of who they are
	Expires     time.Time
}

// Session is one sign-in of a user.
type Session struct {
	ID      string // names it in lists; no secret
	UserID  string
	Site    string // of the identity client that holds it; empty for a browser
	Browser bool   // held by a cookie, not by refresh tokens
	Created time.Time
	Seen    time.Time // last use, to some minutes
	Expires time.Time // if it is not used again
	Agent   string    // what the client calls itself; at most 200 characters
	Address string    // where it signed in from, or where its token was renewed last
}

func sessionOf(x store.Session) Session {
	return Session{
		ID: x.ID, UserID: x.UserID, Site: x.Site, Browser: x.Browser(),
		Created: x.Created, Seen: x.Seen, Expires: x.Expires, Agent: x.Agent, Address: x.Address,
	}
}

func principalOf(c store.Caller, expires time.Time) Principal {
	avatar, _ := c.User.Metadata["avatar_url"].(string)
	return Principal{
		UserID: c.User.ID, Email: c.User.Email, Name: c.User.Name, AvatarURL: avatar,
		Operator: c.User.Operator, Roles: c.Roles, Session: c.Session.ID, SignedIn: c.Session.Created, Expires: expires,
	}
}

// notSignedIn is the answer to a request without a live session.
func notSignedIn() error {
	return fault.New(fault.Unauthenticated, "You are not signed in, or your sign-in has expired. Sign in again.")
}

// timeOf is f, or the real time.
func timeOf(f func() time.Time) time.Time {
	if f == nil {
		return time.Now()
	}
	return f()
}

// TokenLength is the length of a token: 256 bits in base64url. Its letters,
// digits, hyphens and underscores can stand anywhere in an address or a form.
const TokenLength = 43

// NewToken is a random secret of 256 bits, for whoever holds it to show again.
func NewToken() string {
	raw := make([]byte, 32)
	_, _ = rand.Read(raw) // crypto/rand never fails
	return base64.RawURLEncoding.EncodeToString(raw)
}

func hashOf(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// newID is a random identifier of 128 bits.
func newID() string {
	raw := make([]byte, 16)
	_, _ = rand.Read(raw) // crypto/rand never fails
	return hex.EncodeToString(raw)
}

// agentOf is what a client calls itself, fit for a list: one line, bounded.
func agentOf(header string) string {
	printable := strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return -1
	}, strings.ToValidUTF8(header, ""))
	if cut := []rune(printable); len(cut) > 200 {
		return string(cut[:200])
	}
	return printable
}
