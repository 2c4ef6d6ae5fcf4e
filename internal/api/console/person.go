package console

import (
	"net/http"
	"slices"
	"strings"

	"gatehouse/internal/api"
	"gatehouse/internal/fault"
	"gatehouse/internal/identity"
)

type personView struct {
	Frame
	personRow
	Site, Title   string // empty: all
	Notice, Error string
	ID            string
	Choices       []formOption // roles at the site
	Other         string       // roles that are not built in
	Member        bool         // of the site, or about to be
	Manageable    bool
	Elsewhere     bool
	Sends         bool
	Back, Query   string // address of the list; what carries the site on
	Created       string
	CreatedText   string
}

func (p *People) show(w http.ResponseWriter, r *http.Request, v *visit) {
	p.renderPerson(w, r, v, "person", http.StatusOK, personView{Notice: peopleNotice(r.URL.Query().Get("done"))})
}

func (p *People) farewell(w http.ResponseWriter, r *http.Request, v *visit) {
	p.renderPerson(w, r, v, "person-remove", http.StatusOK, personView{})
}

func (p *People) renderPerson(w http.ResponseWriter, r *http.Request, v *visit, name string, status int, view personView) {
	m, err := v.desk.User(r.Context(), r.PathValue("id"))
	if err != nil {
		p.Pages.Fail(w, r, err, Link{URL: "/console/people" + v.query(), Text: "To the people"})
		return
	}
	view.Frame, view.personRow, view.ID = p.frame(r, v), p.row(v, &m), m.ID
	view.Site, view.Title, view.Query, view.Back = v.site, v.title, v.query(), "/console/people"+v.query()
	view.Manageable, view.Elsewhere, view.Sends = m.Manageable && !view.You, m.Elsewhere, p.sends()
	view.Created, view.CreatedText = stamp(m.Created), ago(m.Created, p.Now())
	roles, member := m.Roles[v.site]
	if pending, ok := m.Pending[v.site]; ok {
		roles, member = pending.Roles, true
	}
	view.Member = member && v.site != ""
	var other []string
	for _, role := range roles {
		if !slices.Contains(identity.BuiltinRoles(), role) {
			other = append(other, role)
		}
	}
	view.Other = strings.Join(other, ", ")
	for _, o := range roleChoice("") {
		o.Chosen = slices.Contains(roles, o.Value)
		view.Choices = append(view.Choices, o)
	}
	p.Pages.render(w, r, status, name, view.Frame, nobody, view)
}

// actions are what can be done to one person, by the end of the address.
func (p *People) actions() map[string]visitor {
	plain := func(done string, act func(r *http.Request, v *visit, id string) error) visitor {
		return func(w http.ResponseWriter, r *http.Request, v *visit) {
			p.settle(w, r, v, done, act(r, v, r.PathValue("id")))
		}
	}
	return map[string]visitor{
		"resend": p.reinvite,
		"remove": p.remove,
		"roles":  plain("roles", p.setRoles),
		"disable": plain("disabled", func(r *http.Request, v *visit, id string) error {
			return v.desk.Disable(r.Context(), id)
		}),
		"enable": plain("enabled", func(r *http.Request, v *visit, id string) error {
			return v.desk.Enable(r.Context(), id)
		}),
		"sign-out": plain("signed-out", func(r *http.Request, v *visit, id string) error {
			return v.desk.EndSessions(r.Context(), id)
		}),
		"recover": plain("recover", func(r *http.Request, v *visit, id string) error {
			return v.desk.SendRecovery(r.Context(), id)
		}),
	}
}

// settle answers for an action: with the person's page, or with why not.
func (p *People) settle(w http.ResponseWriter, r *http.Request, v *visit, done string, err error) {
	switch kind := fault.KindOf(err); {
	case err == nil:
		api.Redirect(w, "/console/people/"+r.PathValue("id")+v.query("done", done), http.StatusSeeOther)
	case kind == fault.Internal || kind == fault.Unavailable || kind == fault.NotFound:
		p.Pages.Fail(w, r, err, Link{URL: "/console/people" + v.query(), Text: "To the people"})
	default:
		api.RetryAfter(w, err)
		p.renderPerson(w, r, v, "person", api.Status(kind), personView{Error: fault.Message(err)})
	}
}

func (p *People) setRoles(r *http.Request, v *visit, id string) error {
	if v.site == "" {
		return fault.New(fault.Invalid, "Name the site that the roles are for.")
	}
	other := strings.FieldsFunc(r.PostForm.Get("other"), func(c rune) bool { return c == ',' || c == ' ' })
	roles := slices.Concat(r.PostForm["role"], other)
	if id == v.who.UserID && !v.who.Operator && !slices.Contains(roles, identity.Admin) {
		return fault.New(fault.Invalid, "You would shut yourself out. Ask another administrator of the site to change your roles.")
	}
	return v.desk.SetRoles(r.Context(), id, roles)
}

// reinvite sends an invitation again, and shows its link where that has to be
// passed on by hand.
func (p *People) reinvite(w http.ResponseWriter, r *http.Request, v *visit) {
	m, err := v.desk.User(r.Context(), r.PathValue("id"))
	if err != nil {
		p.settle(w, r, v, "", err)
		return
	}
	in, err := v.desk.Reinvite(r.Context(), m.ID)
	if kind := fault.KindOf(err); err != nil && (kind == fault.Internal || kind == fault.Unavailable) {
		p.Pages.Fail(w, r, err)
		return
	}
	p.renderList(w, r, v, http.StatusOK, peopleView{Report: []reportRow{p.report(m.Email, &in, err)}})
}

// remove counts somebody who is gone already, by a second click, as removed.
func (p *People) remove(w http.ResponseWriter, r *http.Request, v *visit) {
	id := r.PathValue("id")
	err := v.desk.Remove(r.Context(), id)
	if id == v.who.UserID && err == nil && !v.who.Operator {
		api.Redirect(w, "/console/", http.StatusSeeOther)
		return
	}
	if err == nil || fault.Is(err, fault.NotFound) {
		api.Redirect(w, "/console/people"+v.query("done", "removed"), http.StatusSeeOther)
		return
	}
	p.settle(w, r, v, "", err)
}
