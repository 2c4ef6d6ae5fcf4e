package console

import (
	"context"
	"net/http"
	"slices"

	"gatehouse/internal/api"
	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
	"gatehouse/internal/mail"
)

type mailsView struct {
	Frame
	Site, Title   string
	Sites, States []formOption
	Notice, Error string
	Link, To      string // a link to pass on, and to whom
	Rows          []mailRow
	Sends         bool
	Filtered      bool
}

type mailRow struct {
	ID, To, Subject, Site string
	State, Tone           string
	Problem               string
	At, AtText            string
	Resend, Link          string // addresses of forms; empty: there is nothing to do
}

const mailsShown = 100

// ofAdmins are the mails that a site's administrators see: those that they cause
// themselves. Others tell of accounts that may be none of theirs.
func ofAdmins(m *mail.Mail) bool { return m.Kind == mail.Invite || m.Kind == mail.NoticeRoles }

func (v *visit) sees(m *mail.Mail) bool {
	return v.who.Operator && (v.site == "" || v.site == m.Site) || v.site == m.Site && ofAdmins(m)
}

// maySee reports whether the link of a mail may be shown: whoever has it can be
// that person. Administrators of a site pass invitations on, where no mail does.
func (p *People) maySee(v *visit, m *mail.Mail) bool {
	return v.who.Operator || m.Kind == mail.Invite && !p.sends()
}

func (p *People) mails(w http.ResponseWriter, r *http.Request, v *visit) {
	view := mailsView{}
	if r.URL.Query().Get("done") == "resent" {
		view.Notice = "The mail is sent again."
	}
	p.renderMails(w, r, v, http.StatusOK, view)
}

func (p *People) renderMails(w http.ResponseWriter, r *http.Request, v *visit, status int, view mailsView) {
	chosen := r.URL.Query().Get("status")
	view.Frame, view.Site, view.Title, view.Sites, view.Sends = p.frame(r, v), v.site, v.title, v.siteOptions(), p.sends()
	view.Here, view.States, view.Filtered = "/console/mails", stateOptions(chosen), chosen != ""
	if p.Mail != nil {
		list, err := p.Mail.List(r.Context(), mail.Filter{Site: v.site, Status: mail.Status(chosen), Limit: mailsShown})
		if err != nil {
			p.Pages.Fail(w, r, err)
			return
		}
		for i := range list {
			if v.sees(&list[i]) {
				view.Rows = append(view.Rows, p.mailRow(v, &list[i]))
			}
		}
	}
	p.Pages.render(w, r, status, "mails", view.Frame, nobody, view)
}

func (p *People) mailRow(v *visit, m *mail.Mail) mailRow {
	row := mailRow{
		ID: m.ID, To: m.To, Subject: m.Subject, Problem: m.Error,
		At: stamp(m.Created), AtText: ago(m.Created, p.Now()),
	}
	if v.site == "" && m.Site != "" {
		row.Site = p.titleOf(m.Site)
	}
	row.State, row.Tone = stateWord(m.Status)
	over := m.Status == mail.Expired || !m.Expires.IsZero() && !p.Now().Before(m.Expires)
	if over {
		row.State, row.Tone = stateWord(mail.Expired)
		return row
	}
	if p.sends() && (m.Status == mail.Failed || m.Status == mail.Kept) {
		row.Resend = "/console/mails/" + m.ID + "/resend" + v.query()
	}
	unsent := slices.Contains([]mail.Status{mail.Failed, mail.Kept, mail.Waiting}, m.Status)
	if unsent && !m.Expires.IsZero() && p.maySee(v, m) {
		row.Link = "/console/mails/" + m.ID + "/link" + v.query()
	}
	return row
}

func stateWord(s mail.Status) (word, tone string) {
	switch s {
	case mail.Kept:
		return "not sent", "quiet"
	case mail.Waiting, mail.Sending:
		return "on its way", "quiet"
	case mail.Sent:
		return "sent", ""
	case mail.Failed:
		return "failed", "bad"
	case mail.Expired:
		return "expired", "quiet"
	}
	return string(s), "quiet"
}

func stateOptions(chosen string) []formOption {
	options := []formOption{{Value: string(mail.Failed), Label: "Failed"}, {Value: string(mail.Kept), Label: "Not sent"}, {Value: string(mail.Waiting), Label: "On their way"}, {Value: string(mail.Sent), Label: "Sent"}}
	for i := range options {
		options[i].Chosen = options[i].Value == chosen
	}
	return options
}

// mailOf is a mail that the visitor may do something about.
func (p *People) mailOf(ctx context.Context, v *visit, id string) (mail.Mail, error) {
	gone := fault.New(fault.NotFound, "There is no such mail; mails are kept for 14 days.")
	if p.Mail == nil {
		return mail.Mail{}, gone
	}
	m, err := p.Mail.Get(ctx, id)
	if err == nil && !v.sees(&m) {
		err = gone
	}
	return m, err
}

func (p *People) resendMail(w http.ResponseWriter, r *http.Request, v *visit) {
	m, err := p.mailOf(r.Context(), v, r.PathValue("id"))
	if err == nil {
		err = p.Mail.Resend(r.Context(), m.ID)
	}
	if err != nil {
		p.failMail(w, r, v, err)
		return
	}
	p.noteMail(r.Context(), v, audit.MailResent, &m)
	api.Redirect(w, "/console/mails"+v.query("done", "resent"), http.StatusSeeOther)
}

// showLink shows the link of a mail that did not go out, once, in the answer.
func (p *People) showLink(w http.ResponseWriter, r *http.Request, v *visit) {
	m, err := p.mailOf(r.Context(), v, r.PathValue("id"))
	if err == nil && !p.maySee(v, &m) {
		err = fault.New(fault.Forbidden, "The link lets in whoever has it, so that only an operator may pass it on.")
	}
	view := mailsView{To: m.To}
	if err == nil {
		view.Link, err = p.Mail.Link(r.Context(), m.ID)
	}
	if err != nil {
		p.failMail(w, r, v, err)
		return
	}
	p.noteMail(r.Context(), v, audit.LinkShown, &m)
	p.renderMails(w, r, v, http.StatusOK, view)
}

func (p *People) failMail(w http.ResponseWriter, r *http.Request, v *visit, err error) {
	switch kind := fault.KindOf(err); kind {
	case fault.Internal, fault.Unavailable, fault.NotFound, fault.Forbidden:
		p.Pages.Fail(w, r, err, Link{URL: "/console/mails" + v.query(), Text: "To the mails"})
	default:
		p.renderMails(w, r, v, api.Status(kind), mailsView{Error: fault.Message(err)})
	}
}

func (p *People) noteMail(ctx context.Context, v *visit, kind string, m *mail.Mail) {
	if p.Audit != nil {
		p.Audit.Record(ctx, audit.Event{Kind: kind, Site: m.Site, Person: m.To, Actor: v.who.Email, Detail: string(m.Kind)})
	}
}
