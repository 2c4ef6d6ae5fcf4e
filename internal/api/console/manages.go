package console

import (
	"slices"

	"gatehouse/internal/identity"
)

// managesPeople reports whether somebody has people to manage: those of a site,
// or all.
func managesPeople(u identity.User) bool {
	for _, roles := range u.Roles {
		if slices.Contains(roles, identity.Admin) {
			return true
		}
	}
	return u.Operator
}
