package console

import (
	"time"

	"gatehouse/internal/audit"
)

// pageCancel is the page of people who said no, which is nobody's fault.
const pageCancel = "E-cancel"

// kindFilter is the kinds of events, in words.
func kindFilter(chosen string) []formOption {
	options := []formOption{
		{Value: audit.SignIn, Label: "Sign-ins"},
		{Value: audit.Failure, Label: "Sign-ins that failed"},
		{Value: audit.Refresh, Label: "Renewals that failed"},
		{Value: audit.Security, Label: "What looks like an attack"},
		{Value: audit.Login, Label: "Sign-ins with a password"},
		{Value: audit.Invited, Label: "Invitations"},
		{Value: audit.RolesChanged, Label: "Changes of roles"},
	}
	for i := range options {
		options[i].Chosen = options[i].Value == chosen
	}
	return options
}

// event puts an event into words.
func (c *Connectors) event(e *audit.Event) *eventRow {
	row := &eventRow{
		At: e.At.UTC().Format(time.RFC3339), AtText: ago(e.At, c.Now()), Tone: "bad",
		Who: e.Person, Site: c.siteTitle(e.Site), Connector: e.Connector, Meaning: meaning(e.Page),
		Page: e.Page, Reference: e.Reference, Origin: e.Origin, Address: e.Address, Detail: e.Detail,
	}
	switch e.Kind {
	case audit.SignIn:
		row.Word, row.Tone, row.Meaning = "signed in", "", tokenLife(e.Expires)
	case audit.Failure:
		row.Word = "failed"
		if e.Page == pageCancel {
			row.Word, row.Tone = "cancelled", "quiet"
		}
	case audit.Refresh:
		row.Word = "not renewed"
	case audit.Security:
		row.Word = "suspicious"
	default:
		row.Word, row.Tone = accountWord(e.Kind), "quiet"
	}
	if e.Actor != "" && e.Actor != e.Person {
		row.Meaning = "By " + e.Actor + "."
	}
	return row
}

// accountWord is what happened to an account, in words.
func accountWord(kind string) string {
	words := map[string]string{
		audit.Login: "signed in with a password", audit.SignUp: "signed up", audit.Invited: "invited",
		audit.InviteAccepted: "took an invitation up", audit.Confirmed: "confirmed the address", audit.Joined: "joined",
		audit.Added: "added", audit.Modified: "changed", audit.RecoveryAsked: "asked for a new password",
		audit.MagicLinkAsked: "asked for a link", audit.Recovered: "came in by a link", audit.PasswordChanged: "new password",
		audit.EmailAsked: "wants another address", audit.EmailChanged: "new address", audit.RolesChanged: "other roles",
		audit.Disabled: "disabled", audit.Enabled: "enabled", audit.Removed: "removed from the site", audit.Deleted: "deleted",
		audit.SignedOut: "signed out", audit.PolicyChanged: "other rules", audit.MailResent: "mail sent again", audit.LinkShown: "link shown",
	}
	if word, ok := words[kind]; ok {
		return word
	}
	return kind
}

func tokenLife(d time.Duration) string {
	if d <= 0 {
		return "The token does not end by itself."
	}
	return "The token lives " + span(d) + "."
}

// meaning says what an error page of the sign-in was about; empty for none, and
// for one that is not known.
func meaning(page string) string {
	switch page {
	case "E-no-opener":
		return "The sign-in was opened without an editor, or the editor’s page is cut off from what it opens."
	case "E-no-answer":
		return "The editor’s page did not answer: its base_url is probably another address than ours."
	case "E-origin":
		return "The page that asked is not one that the site has registered."
	case "E-unknown-site":
		return "The page named a site that is not known here."
	case "E-provider":
		return "The site has no connector for the kind of host that the page asked for."
	case "E-host":
		return "The sign-in was opened at another address than the configured one."
	case "E-path":
		return "The page looked for the sign-in at a path where there is none: its base_url has a path, or its auth_endpoint is another one."
	case "E-params":
		return "The address of the sign-in was not well formed."
	case pageCancel:
		return "The person said no at the host."
	case "E-state":
		return "The sign-in was over, not known here, or begun in another browser."
	case "E-opener-gone":
		return "The window had lost its editor on the way. The next try uses a second window."
	case "E-rate":
		return "There were too many tries from one address."
	}
	return refusal(page)
}

// refusal is meaning for what the host said, or the look at it.
func refusal(page string) string {
	switch page {
	case "E-client":
		return "The host did not accept the app: look at its client ID, its secret and its callback URL."
	case "E-scope":
		return "The person granted less than the editor needs."
	case "E-org-approval":
		return "An organisation at the host has not approved the app."
	case "E-not-installed":
		return "The GitHub App is not installed on the repository."
	case "E-sso":
		return "The organisation at the host wants its own sign-on first."
	case "E-no-write":
		return "The account may not write to the repository, or cannot see it."
	case "E-upstream":
		return "The host was away, slow, or answered oddly."
	case "E-internal":
		return "Gatehouse itself failed. Its log says why, under the same error id."
	}
	return ""
}
