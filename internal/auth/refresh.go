package auth

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/netip"

	"gatehouse/internal/fault"
	"gatehouse/internal/store"
)

// A refresh token is replaced at each use:
//
//	T1 ──► T2 ──► T3        T2 again within Grace: T3 again (a lost answer, two tabs)
//	                        T2 later, or T1: someone has stolen it, the family ends
//
// A successor is derived from its predecessor with a key of ours, so that the
// same one can be given twice though only hashes are stored.

// What is in the chain of Refresh's error besides the fault.
var (
	ErrExpired = errors.New("refresh token expired")
	ErrReused  = errors.New("refresh token used again")
)

// Start begins a family of refresh tokens for a user who has just proved who
// they are, at a site. It returns the family and its first token.
func (i *Issuer) Start(ctx context.Context, userID, site, agent string, from netip.Addr) (Session, string, error) {
	now := timeOf(i.Now)
	token := newToken()
	x := store.Session{
		ID: newID(), UserID: userID, Site: site,
		Created: now, Seen: now, Expires: now.Add(RefreshIdle),
		Agent: agentOf(agent), Address: addressOf(from),
	}
	if err := i.store.StartFamily(ctx, x, hashOf(token)); err != nil {
		return Session{}, "", err
	}
	return sessionOf(x), token, nil
}

// Refresh replaces a refresh token by its successor. It fails with
// Unauthenticated when the token is unknown at the site, is too old
// (ErrExpired), or was replaced before (ErrReused: the session returned has
// ended). Any other failure is passing, and the token is as good as before.
func (i *Issuer) Refresh(ctx context.Context, token, site string) (Session, string, error) {
	if len(token) != tokenLength {
		return Session{}, "", notSignedIn()
	}
	next := i.successor(token)
	x, out, err := i.store.Rotate(ctx, store.Rotation{
		Hash: hashOf(token), Successor: hashOf(next), Site: site,
		Now: timeOf(i.Now), Grace: i.Grace, Idle: RefreshIdle, Absolute: Absolute,
	})
	switch {
	case err != nil:
		return Session{}, "", err
	case out == store.Rotated || out == store.Repeated:
		return sessionOf(x), next, nil
	case out == store.Expired:
		return Session{}, "", fault.Wrap(fault.Unauthenticated, ErrExpired, "Your sign-in has expired. Sign in again.")
	case out == store.Reused:
		return sessionOf(x), "", fault.Wrap(fault.Unauthenticated, ErrReused, "Your sign-in has ended, because its token was used twice. Sign in again.")
	}
	return Session{}, "", notSignedIn()
}

func (i *Issuer) successor(token string) string {
	mac := hmac.New(sha256.New, i.refresh)
	mac.Write([]byte(token))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// SignOut ends all families that a user has at a site, as GoTrue does; browser
// sessions stay.
func (i *Issuer) SignOut(ctx context.Context, userID, site string) error {
	return i.store.EndFamilies(ctx, userID, site)
}
