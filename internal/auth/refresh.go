package auth

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/netip"
	"time"

	"gatehouse/internal/fault"
	"gatehouse/internal/store"
)

// A refresh token is replaced at each use:
//
//	T1 ──► T2 ──► T3     T3 is the newest; it gives T4
//
// A token that was replaced gives the newest again to whoever may have it by
// right, and ends the family for everybody else, as somebody has stolen it:
//
//	T2, within Grace                         an answer was lost, or two tabs raced
//	T2, any time, from the same program      a tab that slept while another renewed
//	T1, any time, from the same program at   a tab that slept for longer
//	    the same network address
//
// Clients keep the token of each tab in memory, and forget the session of all
// tabs over any refusal. The program and the address are those of the last
// renewal. An older token tells a thief nothing that the newest would not have:
// one who acts from elsewhere, or in turn with the owner until one of the two
// falls behind, is found out.
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
	token := NewToken()
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

// Client is who presents a refresh token.
type Client struct {
	Agent string     // what the program calls itself
	From  netip.Addr // the zero Addr: not known
}

// Refresh replaces a refresh token by its successor, or gives the newest of its
// family again. It fails with Unauthenticated when the token is unknown at the
// site, is too old (ErrExpired), or was replaced before (ErrReused: the session
// returned has ended). Any other failure is passing, and the token is as good as
// before.
func (i *Issuer) Refresh(ctx context.Context, token, site string, c Client) (Session, string, error) {
	if len(token) != TokenLength {
		return Session{}, "", notSignedIn()
	}
	now, next := timeOf(i.Now), i.successor(token)
	c.Agent = agentOf(c.Agent)
	out, err := i.store.Rotate(ctx, store.Rotation{
		Hash: hashOf(token), Successor: hashOf(next), Site: site, Agent: c.Agent, Address: addressOf(c.From),
		Now: now, Idle: RefreshIdle, Absolute: Absolute,
		Again: func(old store.Replaced) bool { return i.again(old, c, now) },
	})
	if err != nil {
		return Session{}, "", err
	}
	switch out.Outcome {
	case store.Rotated:
		return sessionOf(out.Session), next, nil
	case store.Repeated:
		for range out.Younger - 1 {
			next = i.successor(next)
		}
		return sessionOf(out.Session), next, nil
	case store.Expired:
		return Session{}, "", fault.Wrap(fault.Unauthenticated, ErrExpired, "Your sign-in has expired. Sign in again.")
	case store.Reused:
		return sessionOf(out.Session), "", fault.Wrap(fault.Unauthenticated, ErrReused, "Your sign-in has ended, because its token was used twice. Sign in again.")
	case store.Unknown:
	}
	return Session{}, "", notSignedIn()
}

// again reports whether a token that was replaced is presented by one who may
// have the newest.
func (i *Issuer) again(old store.Replaced, c Client, now time.Time) bool {
	if old.Younger == 1 && !now.After(old.At.Add(i.Grace)) {
		return true
	}
	if c.Agent != old.Family.Agent {
		return false
	}
	return old.Younger == 1 || samePlace(c.From, old.Family.Address)
}

// samePlace reports whether an address is the stored one, or in its network when
// it is an IPv6 address, of which a machine changes the rest every day.
func samePlace(a netip.Addr, stored string) bool {
	b, err := netip.ParseAddr(stored)
	if err != nil || !a.IsValid() {
		return false
	}
	if a = a.Unmap().WithZone(""); a == b {
		return true
	}
	network, err := a.Prefix(64)
	return err == nil && a.Is6() && b.Is6() && network.Contains(b)
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
