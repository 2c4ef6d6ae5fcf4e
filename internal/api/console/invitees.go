package console

import (
	"net/http"
	"slices"
	"strings"

	"gatehouse/internal/fault"
	"gatehouse/internal/identity"
)

// mostInvitees bounds how many are invited at once.
const mostInvitees = 200

// invitee is somebody in a pasted list.
type invitee struct{ Name, Email string }

// invitees reads a list as people paste it: an address or "Ann <a@b.example>" on
// each line, or with commas or semicolons between. Names may be in quotes, with
// a comma in them. Each address is kept once.
func invitees(text string) []invitee {
	var list []invitee
	for _, entry := range split(text) {
		x := invitee{Email: strings.TrimSpace(entry)}
		if name, rest, ok := strings.Cut(x.Email, "<"); ok {
			x.Name = strings.Trim(strings.TrimSpace(name), `"' `)
			x.Email, _, _ = strings.Cut(rest, ">")
			x.Email = strings.TrimSpace(x.Email)
		}
		x.Email = strings.TrimPrefix(x.Email, "mailto:")
		if x.Email == "" && x.Name == "" {
			continue
		}
		if !slices.ContainsFunc(list, func(y invitee) bool { return strings.EqualFold(x.Email, y.Email) }) {
			list = append(list, x)
		}
	}
	return list
}

// split cuts a list at line ends, and at commas and semicolons outside quotes.
func split(text string) []string {
	var list []string
	quoted, start := false, 0
	for i, c := range text {
		switch {
		case c == '\n' || c == '\r' || !quoted && (c == ',' || c == ';'):
			list = append(list, text[start:i])
			start, quoted = i+1, false
		case c == '"':
			quoted = !quoted
		}
	}
	return append(list, text[start:])
}

// reportRow is what became of an invitation.
type reportRow struct {
	Who  string
	Tone string // class of the tag
	Word string
	Say  string
	Link string // to pass on; empty: a mail has gone out, or none is needed
}

// report puts the outcome of an invitation into words.
func (p *People) report(who string, in *identity.Invited, err error) reportRow {
	row := reportRow{Who: who}
	switch {
	case fault.Is(err, fault.Conflict):
		row.Tone, row.Word, row.Say = "quiet", "is there already", "Nothing was changed."
	case err != nil:
		row.Tone, row.Word, row.Say = "bad", "not invited", fault.Message(err)
	case in.Joined:
		row.Word, row.Say = "added", "The person has an account already and can begin at once."
	case p.sends():
		row.Word, row.Say = "invited", "A mail is on its way. Its link is good for 7 days."
	default:
		row.Word, row.Say, row.Link = "invited", "This server sends no mail: pass this link on. It is good for 7 days, and lets in whoever has it.", in.Link
	}
	return row
}

// invite invites everybody in the list, and says for each what became of it.
func (p *People) invite(w http.ResponseWriter, r *http.Request, v *visit) {
	role := r.PostForm.Get("role")
	view := peopleView{Addresses: r.PostForm.Get("addresses"), Roles: roleChoice(role)}
	list := invitees(view.Addresses)
	switch {
	case !slices.Contains(identity.BuiltinRoles(), role):
		view.Error = "Choose a role."
	case len(list) == 0:
		view.Error = "Enter at least one e-mail address."
	case len(list) > mostInvitees:
		view.Error = "These are too many at once. Invite up to 200."
	}
	if view.Error != "" {
		p.renderList(w, r, v, http.StatusBadRequest, view)
		return
	}
	var left []string
	for _, x := range list {
		in, err := v.desk.Invite(r.Context(), identity.Invitation{Email: x.Email, Name: x.Name, Roles: []string{role}})
		switch fault.KindOf(err) {
		case fault.Internal, fault.Unavailable:
			if err != nil {
				p.Pages.Fail(w, r, err)
				return
			}
		case fault.Conflict:
		default:
			left = append(left, x.String())
		}
		view.Report = append(view.Report, p.report(x.String(), &in, err))
	}
	view.Addresses = strings.Join(left, "\n")
	p.renderList(w, r, v, http.StatusOK, view)
}

func (x invitee) String() string {
	if x.Name == "" {
		return x.Email
	}
	return x.Name + " <" + x.Email + ">"
}
