package console

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"gatehouse/internal/api"
	"gatehouse/internal/audit"
	"gatehouse/internal/auth"
	"gatehouse/internal/fault"
	"gatehouse/internal/identity"
	"gatehouse/internal/mail"
)

// People is the pages by which administrators look after the people of their
// sites, and operators after all. What somebody may is decided by the identity's
// Desk, anew for each request. Fields are set before Mount.
type People struct {
	Pages     *Pages
	Identity  *identity.Service
	Mail      *mail.Post
	Audit     *audit.Log // nil: what is done with mails is not written down
	Principal func(r *http.Request) (auth.Principal, error)
	Sites     []SiteLink
	Now       func() time.Time
}

// How old a sign-in may be for looking at these pages. A form is taken for
// somewhat longer, so that nobody loses what they have typed.
const (
	recently = 30 * time.Minute
	lately   = 60 * time.Minute
)

// Mount adds the routes.
func (p *People) Mount(mux *http.ServeMux) {
	mux.HandleFunc("GET /console/people", p.enter(p.list))
	p.post(mux, "/console/people/invite", p.invite)
	mux.HandleFunc("GET /console/people/{id}", p.enter(p.show))
	mux.HandleFunc("GET /console/people/{id}/remove", p.enter(p.farewell))
	for name, act := range p.actions() {
		p.post(mux, "/console/people/{id}/"+name, act)
	}
	mux.HandleFunc("GET /console/mails", p.enter(p.mails))
	p.post(mux, "/console/mails/{id}/resend", p.resendMail)
	p.post(mux, "/console/mails/{id}/link", p.showLink)
}

// visit is somebody at the desk of a site, or of all.
type visit struct {
	who   auth.Principal
	desk  *identity.Desk
	site  string // empty: all
	title string // of the site; empty: all
	sites []SiteLink
}

// query carries the visit's site on, with more.
func (v *visit) query(more ...string) string {
	q := url.Values{}
	if v.site != "" {
		q.Set("site", v.site)
	}
	for i := 0; i+1 < len(more); i += 2 {
		if more[i+1] != "" {
			q.Set(more[i], more[i+1])
		}
	}
	if len(q) == 0 {
		return ""
	}
	return "?" + q.Encode()
}

type visitor func(w http.ResponseWriter, r *http.Request, v *visit)

// enter lets in who has people to look after and has proved lately who they are.
func (p *People) enter(next visitor) http.HandlerFunc {
	return signedIn(p.Pages, p.Principal, func(w http.ResponseWriter, r *http.Request, who auth.Principal) {
		age := p.Now().Sub(who.SignedIn)
		if reading := r.Method == http.MethodGet || r.Method == http.MethodHead; age > lately || reading && age > recently {
			back := "/console/people"
			if reading {
				back = r.URL.RequestURI()
			}
			api.Redirect(w, "/login?again=1&next="+url.QueryEscape(back), http.StatusSeeOther)
			return
		}
		v, err := p.visit(r, who)
		if err != nil {
			p.Pages.Fail(w, r, err, Link{URL: "/console/", Text: "To your account"})
			return
		}
		next(w, r, v)
	})
}

func (p *People) post(mux *http.ServeMux, path string, next visitor) {
	mux.Handle("POST "+path, api.Limit(maxForm, p.enter(func(w http.ResponseWriter, r *http.Request, v *visit) {
		if err := r.ParseForm(); err != nil {
			p.Pages.Fail(w, r, fault.Wrap(fault.Invalid, err, "The form did not arrive whole. Go back and send it again."))
			return
		}
		next(w, r, v)
	})))
}

// visit opens the desk that the address names: without a site all for operators,
// and the first one of their own for others.
func (p *People) visit(r *http.Request, who auth.Principal) (*visit, error) {
	user, err := p.Identity.User(r.Context(), who.UserID)
	if err != nil {
		return nil, err
	}
	v := &visit{who: who, site: r.URL.Query().Get("site")}
	for _, s := range p.Sites {
		if user.Operator || slices.Contains(user.Roles[s.Name], identity.Admin) {
			v.sites = append(v.sites, s)
		}
	}
	if v.site == "" && !user.Operator {
		if len(v.sites) == 0 {
			return nil, fault.New(fault.Forbidden, "This page is for administrators of a site.")
		}
		v.site = v.sites[0].Name
	}
	if v.site != "" {
		i := slices.IndexFunc(v.sites, func(s SiteLink) bool { return s.Name == v.site })
		if i < 0 {
			return nil, fault.New(fault.Forbidden, "This is for administrators of the site.")
		}
		v.title = v.sites[i].Title
	}
	v.desk, err = p.Identity.Desk(r.Context(), who, v.site)
	return v, err
}

// frame is that of a page for somebody who manages people.
func (p *People) frame(r *http.Request, v *visit) Frame {
	f := p.Pages.personal(r, v.who)
	f.Manages = true
	return f
}

// siteOptions are the sites that the visitor can choose from.
func (v *visit) siteOptions() []formOption {
	var options []formOption
	if v.who.Operator {
		options = append(options, formOption{Label: "All sites", Chosen: v.site == ""})
	}
	for _, s := range v.sites {
		options = append(options, formOption{Value: s.Name, Label: s.Title, Chosen: s.Name == v.site})
	}
	if len(options) == 1 {
		return nil
	}
	return options
}

// titleOf is a site's name for people; one that is gone keeps its name.
func (p *People) titleOf(name string) string {
	for _, s := range p.Sites {
		if s.Name == name && s.Title != "" {
			return s.Title
		}
	}
	return name
}

// sends reports whether mails go out.
func (p *People) sends() bool { return p.Mail != nil && p.Mail.SMTP != "" }

func rolesInWords(roles []string) string {
	if len(roles) == 0 {
		return "no role yet"
	}
	return strings.Join(roles, ", ")
}
