package identity

import (
	"cmp"
	"context"
	"strings"
	"time"

	"gatehouse/internal/auth"
	"gatehouse/internal/fault"
	"gatehouse/internal/mail"
	"gatehouse/internal/store"
)

// How people who were imported without a password are asked for one.
const (
	askBatch = 50                 // mails that are due at the same time
	askEvery = time.Minute        // between batches, for the mail server's sake
	askLife  = 7 * 24 * time.Hour // of the links; not everybody reads mail at once
)

// Unasked is how many people of a site came without a password and have not been
// asked to choose one.
func (s *Service) Unasked(ctx context.Context, site string) (int, error) {
	return s.Store.CountUnasked(ctx, site)
}

// AskForPasswords writes a mail to everybody at the sites who came without a
// password: to choose one, or, for those who had been invited and had not come,
// to take the invitation up. The mails of each batch become due a minute after
// those of the batch before. A batch is written with the note that it was, so
// that nobody is asked twice, also not after a death in the middle; who is left
// is asked by the next call. It returns how many mails were written; progress,
// which may be nil, is told after each batch.
//
// Unsupported without Mail and Pages.
func (s *Service) AskForPasswords(ctx context.Context, sites []string, progress func(done int)) (n int, err error) {
	if err := s.needMail(); err != nil {
		return 0, err
	}
	due := s.Now()
	for _, site := range sites {
		err := s.eachUnasked(ctx, site, func(people []store.Unasked) error {
			policy, err := s.Policy(ctx, site)
			if err != nil {
				return err
			}
			batch := make([]store.Asking, len(people))
			for k, u := range people {
				var m mail.Message
				batch[k], m = s.asking(u)
				m.Language = cmp.Or(m.Language, policy.Language)
				row, err := s.Mail.Compose(m, due)
				if err != nil {
					return err
				}
				batch[k].Mail = &row
			}
			asked, err := s.Store.Ask(ctx, batch, s.Now())
			n += len(asked)
			due = due.Add(askEvery)
			if progress != nil {
				progress(n)
			}
			return err
		})
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// PasswordLinks gives the links of those mails to each, with the address, for
// somebody to pass on by hand. Nothing is mailed, and nobody counts as asked:
// links of an earlier call end. Who was mailed is left out.
func (s *Service) PasswordLinks(ctx context.Context, sites []string, each func(email, link string)) error {
	if s.Pages == nil {
		return fault.New(fault.Unsupported, "It is not known where the pages are that links would lead to.")
	}
	given := map[string]bool{}
	for _, site := range sites {
		err := s.eachUnasked(ctx, site, func(people []store.Unasked) error {
			var batch []store.Asking
			var links []mail.Message
			for _, u := range people {
				if given[u.User.ID] && !u.Invite {
					continue // one link is enough to come in everywhere
				}
				given[u.User.ID] = true
				a, m := s.asking(u)
				batch, links = append(batch, a), append(links, m)
			}
			asked, err := s.Store.Ask(ctx, batch, s.Now())
			for _, k := range asked {
				each(links[k].To, links[k].Link)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// eachUnasked calls f with the people of a site who are to be asked, in batches.
func (s *Service) eachUnasked(ctx context.Context, site string, f func([]store.Unasked) error) error {
	after := ""
	for {
		people, err := s.Store.Unasked(ctx, site, after, askBatch)
		if err != nil || len(people) == 0 {
			return err
		}
		if err := f(people); err != nil {
			return err
		}
		after = people[len(people)-1].OldID
	}
}

// asking makes the token for somebody, and the mail that brings it.
func (s *Service) asking(u store.Unasked) (store.Asking, mail.Message) {
	kind, letter := KindRecovery, mail.Moved
	var told map[string]string
	if u.Invite {
		kind, letter = KindInvite, mail.Invite
		told = map[string]string{"roles": strings.Join(u.Roles, ", ")}
	}
	now := s.Now()
	token, expires := auth.NewToken(), now.Add(askLife)
	a := store.Asking{Unasked: u, Token: store.Token{
		Hash: hashToken(token), UserID: u.User.ID, Kind: string(kind), Site: u.Site, Email: u.User.Email,
		Content: []byte("{}"), Created: now, Expires: expires,
	}}
	return a, mail.Message{
		Kind: letter, Site: u.Site, To: u.User.Email, Name: u.User.Name, Language: u.User.Language,
		Link: s.link(kind, u.Site, token), Expires: expires, Data: told,
	}
}
