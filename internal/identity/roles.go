package identity

import (
	"slices"
	"strings"

	"gatehouse/internal/fault"
	"gatehouse/internal/store"
)

// The built-in roles of a site. Other names are allowed and give no right by
// themselves.
const (
	Admin       = "admin"       // people and settings of the site, everything on content
	Publisher   = "publisher"   // everything on content
	Editor      = "editor"      // all but publishing and deleting what is published
	Contributor = "contributor" // own drafts only
	Reader      = "reader"      // looks, touches nothing
)

// BuiltinRoles are the roles that mean something without a rule, the mightiest
// first.
func BuiltinRoles() []string { return []string{Admin, Publisher, Editor, Contributor, Reader} }

func (s *Service) membership(id, site string, roles []string) (store.Membership, error) {
	if site == "" {
		return store.Membership{}, fault.New(fault.Invalid, "Name the site that the roles are for.")
	}
	clean, err := cleanRoles(roles)
	if err != nil {
		return store.Membership{}, err
	}
	now := s.Now()
	return store.Membership{UserID: id, Site: site, Roles: clean, Created: now, Updated: now}, nil
}

// CheckRoles is Invalid when one of the roles cannot be one.
func CheckRoles(roles []string) error {
	_, err := cleanRoles(roles)
	return err
}

// cleanRoles are roles in order, each once.
func cleanRoles(roles []string) ([]string, error) {
	clean := make([]string, 0, len(roles))
	for _, r := range roles {
		if !validRole(r) {
			return nil, fault.New(fault.Invalid, "%q cannot be a role. A role has 1 to 64 letters, digits, hyphens and underscores; the built-in ones are %s.", r, strings.Join(BuiltinRoles(), ", "))
		}
		clean = append(clean, r)
	}
	slices.Sort(clean)
	return slices.Compact(clean), nil
}

func validRole(r string) bool {
	return r != "" && len(r) <= 64 && !strings.ContainsFunc(r, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_'
	})
}
