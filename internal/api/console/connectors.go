package console

import (
	"net/http"
	"time"

	"gatehouse/internal/api"
	"gatehouse/internal/audit"
	"gatehouse/internal/auth"
	"gatehouse/internal/connector"
	"gatehouse/internal/fault"
)

// Connectors is the pages for operators: the apps that are registered at Git
// hosts, and who has signed in by them. Fields are set before Mount.
type Connectors struct {
	Pages     *Pages
	Set       *connector.Set
	Audit     *audit.Log
	Handles   *auth.Handles
	Principal func(r *http.Request) (auth.Principal, error)
	URL       string // the public origin of this server
	Sites     []SiteLink
	Now       func() time.Time
}

// Mount adds the routes.
func (c *Connectors) Mount(mux *http.ServeMux) {
	mux.HandleFunc("GET /console/connectors", c.operator(c.list))
	mux.HandleFunc("GET /console/connectors/new", c.operator(c.begin))
	c.post(mux, "/console/connectors/new", c.add)
	mux.HandleFunc("GET /console/connectors/{name}", c.operator(c.show))
	c.post(mux, "/console/connectors/{name}", c.change)
	mux.HandleFunc("GET /console/connectors/{name}/remove", c.operator(c.farewell))
	c.post(mux, "/console/connectors/{name}/remove", c.remove)
	c.post(mux, "/console/connectors/{name}/one-window", c.oneWindow)
	mux.HandleFunc("GET /console/sign-ins", c.operator(c.signIns))
	c.post(mux, "/console/sign-ins/end", c.end)
}

// operator lets operators in, sends who is not signed in to do that, and tells
// everybody else whose page this is.
func (c *Connectors) operator(next personal) http.HandlerFunc {
	return signedIn(c.Pages, c.Principal, func(w http.ResponseWriter, r *http.Request, who auth.Principal) {
		if !who.Operator {
			c.Pages.Fail(w, r, fault.New(fault.Forbidden, "This page is for operators of the server, and %s is not one.", nameOf(who)), Link{URL: "/console/", Text: "To your account"})
			return
		}
		next(w, r, who)
	})
}

// maxConnectorForm has room for a certificate.
const maxConnectorForm = 128 << 10

func (c *Connectors) post(mux *http.ServeMux, path string, next personal) {
	mux.Handle("POST "+path, api.Limit(maxConnectorForm, c.operator(func(w http.ResponseWriter, r *http.Request, who auth.Principal) {
		if err := r.ParseForm(); err != nil {
			c.fail(w, r, fault.Wrap(fault.Invalid, err, "The form did not arrive whole. Go back and send it again."))
			return
		}
		next(w, r, who)
	})))
}

func (c *Connectors) fail(w http.ResponseWriter, r *http.Request, err error) {
	c.Pages.Fail(w, r, err, Link{URL: "/console/connectors", Text: "To the connectors"})
}

// farewellView asks whether a connector is to be removed.
type farewellView struct {
	Frame
	Name, Host string
	Sites      string
}

func (c *Connectors) farewell(w http.ResponseWriter, r *http.Request, who auth.Principal) {
	x, err := c.Set.Get(r.Context(), r.PathValue("name"))
	if err == nil && x.FromFile {
		err = fault.New(fault.Forbidden, "The connector %s is in gatehouse.yaml: remove it there, and reload.", x.Name)
	}
	if err != nil {
		c.fail(w, r, err)
		return
	}
	view := farewellView{Frame: c.Pages.inEnglish(r, who), Name: x.Name, Host: hostName(x.Kind), Sites: c.sitesOf(&x)}
	c.Pages.render(w, r, http.StatusOK, "connector-remove", view.Frame, nobody, view)
}

// remove counts a connector that is gone already, by a second click, as done.
func (c *Connectors) remove(w http.ResponseWriter, r *http.Request, who auth.Principal) {
	name := r.PathValue("name")
	err := c.Set.Remove(r.Context(), name)
	if err == nil || fault.Is(err, fault.NotFound) {
		_, err = c.Handles.EndConnector(r.Context(), name)
	}
	if err != nil {
		c.fail(w, r, err)
		return
	}
	c.note(r, who, "removed", name)
	api.Redirect(w, "/console/connectors?done=removed", http.StatusSeeOther)
}

// note logs what an operator has done to a connector.
func (c *Connectors) note(r *http.Request, who auth.Principal, done, name string) {
	c.Pages.log.InfoContext(r.Context(), "a connector was "+done, "connector", name, "by", who.UserID)
}

// oneWindow forgets that a host's pages cut a popup off.
func (c *Connectors) oneWindow(w http.ResponseWriter, r *http.Request, _ auth.Principal) {
	if err := c.Set.ForgetLauncher(r.Context(), r.PathValue("name")); err != nil {
		c.fail(w, r, err)
		return
	}
	api.Redirect(w, "/console/connectors?done=window", http.StatusSeeOther)
}
