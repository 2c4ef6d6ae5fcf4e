// Package auth answers who is calling: browser sessions (a cookie) and identity
// access tokens (a JWT made for one site).
package auth

import "time"

// Principal is an authenticated caller at one site.
type Principal struct {
	UserID      string
	Email, Name string
	AvatarURL   string
	Operator    bool     // everything, at every site
	Roles       []string // at the site of the request; none: not a member
	Session     string   // stable id of the browser session or token family
	Expires     time.Time
}
