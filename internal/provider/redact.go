package provider

import (
	"fmt"
	"log/slog"
)

// Values with secrets in them end up in a log, or in the message of a test,
// sooner or later. However they are printed, the secrets stay behind. JSON is
// left as it is: grants are kept as such, sealed.

// Format prints an app without its secret, whatever the verb.
func (a App) Format(s fmt.State, _ rune) {
	_, _ = fmt.Fprintf(s, "{%s, %s at %s, client %s}", a.Name, a.Kind, a.URL, a.ClientID) // to memory
}

// LogValue is for log/slog.
func (a App) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(a)) }

// Format prints a grant without its tokens, whatever the verb.
func (g Grant) Format(s fmt.State, _ rune) {
	_, _ = fmt.Fprintf(s, "{access %s, refresh %s, scope %q, repository %d, expires %v}", // to memory
		veiled(g.AccessToken), veiled(g.RefreshToken), g.Scope, g.RepositoryID, g.Expires)
}

// LogValue is for log/slog.
func (g Grant) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(g)) }

// Format prints nothing of a request but where it returns to: state and verifier
// are for the host alone.
func (r AuthRequest) Format(s fmt.State, _ rune) {
	_, _ = fmt.Fprintf(s, "{redirect %s, scope %q}", r.Redirect, r.Scope) // to memory
}

// LogValue is for log/slog.
func (r AuthRequest) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(r)) }

// veiled tells whether there is a secret, and no more.
func veiled(secret string) string {
	if secret == "" {
		return "none"
	}
	return "…"
}
