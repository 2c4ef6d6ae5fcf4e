package identity

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"gatehouse/internal/fault"
)

// Who may come to a site.
const (
	SignUpOpen   = "open"   // anybody, by signing up
	SignUpInvite = "invite" // whom an administrator invites
	SignUpClosed = "closed" // whom an operator invites
)

// Policy says how people come to a site's accounts. The zero value is that of a
// site for which nothing was said.
type Policy struct {
	SignUp       string   `json:"sign_up,omitempty"`       // empty: SignUpInvite
	Domains      []string `json:"domains,omitempty"`       // of addresses that may sign up; none: all
	DefaultRoles []string `json:"default_roles,omitempty"` // of who signed up
	PasswordOff  bool     `json:"password_off,omitempty"`  // the site's pages and clients sign nobody in with a password
	Autoconfirm  bool     `json:"autoconfirm,omitempty"`   // who signs up is let in without a mail
	Language     string   `json:"language,omitempty"`      // of mails to people whose own is not known
}

// Open reports whether anybody may sign up.
func (p Policy) Open() bool { return p.SignUp == SignUpOpen }

// Policy is that of a site.
func (s *Service) Policy(ctx context.Context, site string) (Policy, error) {
	text, err := s.Store.Policy(ctx, site)
	p := Policy{SignUp: SignUpInvite}
	switch {
	case fault.Is(err, fault.NotFound):
		return p, nil
	case err != nil:
		return Policy{}, err
	}
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		return Policy{}, fault.Wrap(fault.Internal, err, "the policy of %s cannot be read", site)
	}
	return p, nil
}

// clean is a policy as it is kept; Invalid when it makes no sense.
func (p Policy) clean() (Policy, error) {
	switch p.SignUp {
	case "":
		p.SignUp = SignUpInvite
	case SignUpOpen, SignUpInvite, SignUpClosed:
	default:
		return Policy{}, fault.New(fault.Invalid, "%q is no way to sign up. Choose %s, %s or %s.", p.SignUp, SignUpOpen, SignUpInvite, SignUpClosed)
	}
	domains := make([]string, 0, len(p.Domains))
	for _, d := range p.Domains {
		// A domain is good when an address there is.
		email, err := FoldEmail("somebody@" + strings.TrimPrefix(strings.TrimSpace(d), "@"))
		if err != nil || !strings.Contains(email, ".") {
			return Policy{}, fault.New(fault.Invalid, "%q is no domain of e-mail addresses. Give it as example.org.", d)
		}
		domains = append(domains, domainOf(email))
	}
	slices.Sort(domains)
	p.Domains = slices.Compact(domains)
	var err error
	if p.DefaultRoles, err = cleanRoles(p.DefaultRoles); err != nil {
		return Policy{}, err
	}
	p.Language, err = cleanLanguage(p.Language)
	return p, err
}

// admits reports whether a folded address may sign up.
func (p Policy) admits(email string) bool {
	return len(p.Domains) == 0 || slices.Contains(p.Domains, domainOf(email))
}

func domainOf(email string) string { return email[strings.LastIndexByte(email, '@')+1:] }

func (s *Service) setPolicy(ctx context.Context, site string, p Policy) error {
	text, err := json.Marshal(p)
	if err != nil {
		return fault.Wrap(fault.Internal, err, "the policy of %s cannot be kept", site)
	}
	return s.Store.SetPolicy(ctx, site, string(text), s.Now())
}
