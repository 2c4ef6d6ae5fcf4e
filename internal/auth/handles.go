package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"gatehouse/internal/fault"
	"gatehouse/internal/store"
)

// Handles stand in browsers for the refresh tokens of hosts, which never leave
// the server. A handle is replaced at each use; within Grace the former one
// gets the same answer again, later it ends its family:
//
//	H1 ──► H2 ──► H3        H2 again within Grace: the same pair again (a lost
//	                        answer, two tabs)
//	                        H2 later, or H1: someone has stolen it, the family ends
//
// A host may take its refresh token back as soon as it has given the next, so
// the next is on disk before anybody hears of it, and a browser that leaves
// does not break off what the host has begun. The pair is kept, sealed, because
// of the access token in it, so there is no need to derive a handle from its
// predecessor as Issuer does.
//
// One Handles serves the process. Fields are set before use; the zero Grace is
// a minute.
type Handles struct {
	Store *store.Store
	Grace time.Duration
	Now   func() time.Time

	families locks   // one renewal at a time in each; among processes the store sees to it
	unsaved  unsaved // renewals that the host has made and the disk would not take
}

// What is in the chain of the errors of Handles besides the fault; ErrReused is
// another.
var (
	ErrUnknownHandle = errors.New("unknown refresh handle")
	ErrDead          = errors.New("refresh handle of a sign-in that has ended")
)

// Holder is whom a family of handles was given to. It holds no secret.
type Holder struct {
	Family    string
	Site      string
	Connector string
	Host      string // URL of the host whose refresh token it is: nobody else may get that
	Provider  string // as the CMS spelled it
	Origin    string // of the page that got it
	Person    string // login at the host
	Created   time.Time
	Used      time.Time
}

// Pair is what a refresh gives.
type Pair struct {
	AccessToken string
	Handle      string
	Expires     time.Time // of the access token; zero: not by time
}

// Format prints a pair without its secrets, whatever the verb.
func (p Pair) Format(s fmt.State, _ rune) {
	_, _ = fmt.Fprintf(s, "{a token until %v}", p.Expires) // to memory
}

// LogValue is for log/slog.
func (p Pair) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(p)) }

// Issue begins a family for a refresh token of a host, and gives its first
// handle. Site, Connector, Host, Provider, Origin and Person are h's, the rest is
// filled in.
func (x *Handles) Issue(ctx context.Context, h Holder, refresh string) (handle string, holder Holder, err error) {
	if refresh == "" {
		return "", Holder{}, fault.New(fault.Internal, "a handle for no refresh token")
	}
	handle, now := NewToken(), timeOf(x.Now)
	f := store.HandleFamily{
		ID: newID(), Site: h.Site, Connector: h.Connector, Host: h.Host, Provider: h.Provider, Origin: h.Origin, Person: h.Person,
		Generation: 1, Created: now, Used: now,
	}
	if err := x.Store.AddHandleFamily(ctx, f, hashOf(handle), refresh); err != nil {
		return "", Holder{}, err
	}
	return handle, holderOf(f), nil
}

// Renew asks a host for a new access token by a refresh token. An empty
// newRefresh means that the one used stays good. An error with a method
// Dead() bool that is true says that it is good no more. When the host gave a
// new one, and there is an error all the same (the access token was no use),
// newRefresh is kept and the handle stays as it is.
type Renew func(ctx context.Context, h Holder, refresh string) (access, newRefresh string, expires time.Time, err error)

// Use gives the next pair for a handle. check is asked first whether this
// holder may have it; its error is returned as it is, and nothing has changed.
// Of many uses of one family at a time one calls renew, and the others get what
// it got, also after a restart of the server, and in other processes on the same
// database.
//
// It fails with Unauthenticated when the handle is unknown (ErrUnknownHandle),
// was replaced too long ago (ErrReused: this use has ended the family) or its
// family has ended (ErrDead, for good, and without asking the host again).
// Other errors of renew are returned as they are, and the handle stays good.
// The holder is there whenever the handle is known.
func (x *Handles) Use(ctx context.Context, handle string, check func(Holder) error, renew Renew) (Holder, Pair, error) {
	holder, err := x.Peek(ctx, handle)
	if err != nil {
		return Holder{}, Pair{}, err
	}
	unlock, err := x.families.lock(ctx, holder.Family)
	if err != nil {
		return holder, Pair{}, err
	}
	defer unlock()
	state, err := x.state(ctx, handle)
	if err != nil {
		return holder, Pair{}, err
	}
	holder = holderOf(state.HandleFamily)
	if err := check(holder); err != nil {
		return holder, Pair{}, err
	}
	for {
		pair, err := x.answer(ctx, state, renew)
		if !errors.Is(err, errOvertaken) {
			return holder, pair, err
		}
		// Another process is at it, or was faster. What it gets is what we give.
		select {
		case <-ctx.Done():
			return holder, Pair{}, err
		case <-time.After(lookAgain):
		}
		if state, err = x.state(ctx, handle); err != nil {
			return holder, Pair{}, err
		}
	}
}

// lookAgain is how often is looked whether another process has renewed a family.
const lookAgain = 50 * time.Millisecond

// errOvertaken says that another process renews a family, or that it was renewed
// or ended while the host was asked.
var errOvertaken = errors.New("overtaken by another process")

// answer decides by where a family stands.
func (x *Handles) answer(ctx context.Context, state store.HandleState, renew Renew) (Pair, error) {
	now := timeOf(x.Now)
	switch {
	case !state.Ended.IsZero():
		return Pair{}, dead(ErrDead)
	case state.Presented == state.Generation:
		return x.renew(ctx, state, renew)
	case state.Presented == state.Generation-1 && state.Answer != nil && !now.After(state.Repeat):
		var pair Pair
		err := json.Unmarshal(state.Answer, &pair)
		return pair, fault.Wrap(fault.Internal, err, "reading the answer of a refresh")
	}
	if err := x.Store.EndHandleFamily(ctx, state.ID, now); err != nil {
		return Pair{}, err
	}
	return Pair{}, fault.Wrap(fault.Unauthenticated, ErrReused, "Your sign-in has ended, because its refresh token was used twice. Sign in again.")
}

// Peek is who holds a handle, whether its family is alive or not, and changes
// nothing. Unauthenticated (ErrUnknownHandle) when it is unknown.
func (x *Handles) Peek(ctx context.Context, handle string) (Holder, error) {
	if len(handle) != TokenLength {
		return Holder{}, unknownHandle()
	}
	f, err := x.Store.HandleFamilyOf(ctx, hashOf(handle))
	if fault.Is(err, fault.NotFound) {
		err = unknownHandle()
	}
	return holderOf(f), err
}

func (x *Handles) state(ctx context.Context, handle string) (store.HandleState, error) {
	state, err := x.Store.HandleState(ctx, hashOf(handle))
	if fault.Is(err, fault.NotFound) {
		err = unknownHandle()
	}
	return state, err
}

// Families are who holds live handles, at most limit, the one last used first.
func (x *Handles) Families(ctx context.Context, limit int) ([]Holder, error) {
	rows, err := x.Store.HandleFamilies(ctx, limit)
	if err != nil {
		return nil, err
	}
	list := make([]Holder, len(rows))
	for i, f := range rows {
		list[i] = holderOf(f)
	}
	return list, nil
}

// Revoke ends a family: none of its handles gives anything from then on. A
// renewal under way is waited for. NotFound when there is no such family.
func (x *Handles) Revoke(ctx context.Context, family string) error {
	unlock, err := x.families.lock(ctx, family)
	if err != nil {
		return err
	}
	defer unlock()
	err = x.Store.EndHandleFamily(ctx, family, timeOf(x.Now))
	if fault.Is(err, fault.NotFound) {
		return fault.Wrap(fault.NotFound, err, "There is no such sign-in. It may have ended already.")
	}
	return err
}

// EndConnector ends the families of a connector, and says how many there were.
func (x *Handles) EndConnector(ctx context.Context, connector string) (int, error) {
	return x.Store.EndHandleFamilies(ctx, connector, timeOf(x.Now))
}

func holderOf(f store.HandleFamily) Holder {
	return Holder{
		Family: f.ID, Site: f.Site, Connector: f.Connector, Host: f.Host, Provider: f.Provider, Origin: f.Origin, Person: f.Person,
		Created: f.Created, Used: f.Used,
	}
}

func unknownHandle() error {
	return fault.Wrap(fault.Unauthenticated, ErrUnknownHandle, "This refresh token is not known here, or its sign-in has ended. Sign in again.")
}

func dead(cause error) error {
	return fault.Wrap(fault.Unauthenticated, cause, "Your sign-in at the Git host has ended. Sign in again.")
}
