package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"gatehouse/internal/fault"
	"gatehouse/internal/store"
)

// Issuer makes and checks the tokens of the identity service: access tokens
// (JWT, HS256) and refresh tokens. Every token is for one site.
type Issuer struct {
	Now   func() time.Time // nil: time.Now
	Grace time.Duration    // how long a refresh token just replaced gives its successor to anybody

	store   *store.Store
	key     []byte // signs access tokens
	kid     string // names the key
	refresh []byte // derives refresh tokens from their predecessors
}

// NewIssuer reads the keys, or makes them at the first start. They lie sealed
// in the database.
func NewIssuer(ctx context.Context, s *store.Store) (*Issuer, error) {
	key, err := keyNamed(ctx, s, "access-token-key")
	if err != nil {
		return nil, err
	}
	refresh, err := keyNamed(ctx, s, "refresh-token-key")
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(append([]byte("kid\x00"), key...))
	return &Issuer{Grace: RefreshGrace, store: s, key: key, kid: hex.EncodeToString(sum[:6]), refresh: refresh}, nil
}

func keyNamed(ctx context.Context, s *store.Store, name string) ([]byte, error) {
	key, err := s.Setting(ctx, name)
	if !fault.Is(err, fault.NotFound) {
		return key, err
	}
	fresh := make([]byte, 32)
	_, _ = rand.Read(fresh) // crypto/rand never fails
	return s.SettingOnce(ctx, name, fresh)
}

// Subject is the person that an access token speaks of.
type Subject struct {
	UserID       string
	Email        string
	AppMetadata  map[string]any // what the server says of them: provider, roles
	UserMetadata map[string]any // what they say of themselves
}

// claims are GoTrue's, and those that bind the token: to its issuer, to its
// session, and to being one of a kind. Audience is a string, as clients expect.
type claims struct {
	Expires      int64          `json:"exp,omitempty"`
	Subject      string         `json:"sub"`
	Audience     string         `json:"aud"`
	Email        string         `json:"email"`
	AppMetadata  map[string]any `json:"app_metadata"`
	UserMetadata map[string]any `json:"user_metadata"`
	Issuer       string         `json:"iss"`
	Issued       int64          `json:"iat,omitempty"`
	ID           string         `json:"jti"`
	Session      string         `json:"session_id"`
}

func (c claims) GetExpirationTime() (*jwt.NumericDate, error) { return numericDate(c.Expires), nil }
func (c claims) GetIssuedAt() (*jwt.NumericDate, error)       { return numericDate(c.Issued), nil }
func (c claims) GetNotBefore() (*jwt.NumericDate, error)      { return nil, nil } //nolint:nilnil // absent, says the interface
func (c claims) GetIssuer() (string, error)                   { return c.Issuer, nil }
func (c claims) GetSubject() (string, error)                  { return c.Subject, nil }
func (c claims) GetAudience() (jwt.ClaimStrings, error)       { return jwt.ClaimStrings{c.Audience}, nil }

func numericDate(seconds int64) *jwt.NumericDate {
	if seconds == 0 {
		return nil
	}
	return jwt.NewNumericDate(time.Unix(seconds, 0))
}

// Access makes an access token for a site: issuer is the site's identity URL,
// session the id of the family it belongs to. It is valid for AccessLife.
func (i *Issuer) Access(site, issuer, session string, s Subject) (string, error) {
	now := timeOf(i.Now)
	t := jwt.NewWithClaims(jwt.SigningMethodHS256, claims{
		Expires: now.Add(AccessLife).Unix(), Subject: s.UserID, Audience: site, Email: s.Email,
		AppMetadata: orEmpty(s.AppMetadata), UserMetadata: orEmpty(s.UserMetadata),
		Issuer: issuer, Issued: now.Unix(), ID: newID(), Session: session,
	})
	t.Header["kid"] = i.kid
	signed, err := t.SignedString(i.key)
	return signed, fault.Wrap(fault.Internal, err, "signing an access token")
}

// orEmpty is m, never null on the wire: clients read into it unasked.
func orEmpty(m map[string]any) map[string]any {
	if m == nil {
		return map[string]any{}
	}
	return m
}

// maxAccess bounds what is parsed at all.
const maxAccess = 16 << 10

// verify checks an access token by itself: our key and algorithm, made for this
// site by this issuer, not expired. Whether its session lives is asked after.
func (i *Issuer) verify(token, site, issuer string) (claims, error) {
	if len(token) > maxAccess || issuer == "" || site == "" {
		return claims{}, notSignedIn()
	}
	// A new parser and new claims each time: decoding into used claims would
	// keep the expiry of the token before.
	var c claims
	parser := jwt.NewParser(
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}),
		jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithStrictDecoding(),
		jwt.WithIssuer(issuer), jwt.WithAudience(site),
		jwt.WithTimeFunc(func() time.Time { return timeOf(i.Now) }),
	)
	_, err := parser.ParseWithClaims(token, &c, func(t *jwt.Token) (any, error) {
		if t.Header["kid"] != i.kid {
			return nil, errors.New("signed with another key")
		}
		return i.key, nil
	})
	if err != nil || c.Subject == "" || c.Session == "" {
		return claims{}, notSignedIn()
	}
	return c, nil
}
