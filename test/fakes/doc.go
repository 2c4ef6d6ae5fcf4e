// Package fakes is what the practice hosts have in common: an OAuth 2
// authorization server that speaks as GitHub, GitLab, Bitbucket Cloud or Gitea
// does, people to sign in as without a password, and a way for tests to make
// it fail on purpose. The packages below it add each host's API.
//
//	GET  {authorize}   who are you? ─► may the app …? ─► 302 callback?code&state
//	                   (skipped: signed in before)  (skipped: same scopes granted before)
//	POST {authorize}   the two pages' buttons; form fields person | decision
//	POST {token}       code or refresh token ─► access token
//	POST {revoke}      GitLab alone; GitHub's is in its API
//	GET, POST /-/control   record and faults, only where Control mounted it
//
// A code is good once, for ten minutes, for the client, the redirect address
// and the challenge that it was made for. Everything is in memory, bounded, and
// safe for requests at the same time.
//
// It is made for loopback and for people who try things out: anybody may be
// anybody. Every page says so.
package fakes
