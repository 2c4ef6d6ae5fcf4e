package broker

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"regexp"

	"gatehouse/internal/api"
	"gatehouse/internal/provider"
	"gatehouse/internal/site"
)

// selftestName names the built-in site, its provider and its connector. With them
// the page /auth/selftest signs in to nothing at all, over the operator's own
// proxy and cookies:
//
//	GET /auth/selftest        acts like a CMS page
//	GET /auth/selftest/host   acts like a Git host: Allow and Cancel
//	GET /auth/selftest/probe  what time it is, and that no cache answers, as JSON
const selftestName = "selftest"

// selftestStep is one line of the page, which its script marks by the ID.
type selftestStep struct{ ID, Title string }

// selftestState is what a state of ours looks like.
var selftestState = regexp.MustCompile(`^[A-Za-z0-9_-]{1,128}$`)

// mountSelftest serves the page and its host.
func (h *Handler) mountSelftest(mux *http.ServeMux) {
	mux.Handle("/auth/selftest", methods{http.MethodGet: h.selftestPage})
	mux.Handle("/auth/selftest/host", methods{http.MethodGet: h.selftestHost})
	mux.Handle("/auth/selftest/probe", methods{http.MethodGet: h.selftestProbe})
}

// selftestSteps are in the order in which they are taken.
func selftestSteps() []selftestStep {
	return []selftestStep{
		{"address", "Gatehouse is reached at its public address"},
		{"headers", "The headers of its pages arrive unchanged"},
		{"cache", "No cache keeps its answers"},
		{"clock", "The clocks agree"},
		{"popup", "The browser opens a window"},
		{"hello", "The window finds this page"},
		{"begin", "This page may sign in, and the cookie is kept"},
		{"return", "The way back from the host works"},
		{"decap", "Decap CMS and Netlify CMS understand the outcome"},
		{"sveltia", "Sveltia CMS understands the outcome"},
	}
}

func (h *Handler) selftestPage(w http.ResponseWriter, r *http.Request) {
	h.Pages.render(w, r, http.StatusOK, "selftest", struct {
		frame
		OurOrigin, Host, Policy string
		Steps                   []selftestStep
	}{h.Pages.frame(), h.URL, r.Host, policy, selftestSteps()})
}

// selftestHost is where selftestNext leads.
func (h *Handler) selftestHost(w http.ResponseWriter, r *http.Request) {
	state := r.URL.Query().Get("state")
	if !selftestState.MatchString(state) {
		h.Pages.Help(w, r, http.StatusBadRequest, helpParams("the state is missing"))
		return
	}
	back := func(key, value string) string {
		return "/callback/" + selftestName + "?" + url.Values{key: {value}, "state": {state}}.Encode()
	}
	h.Pages.render(w, r, http.StatusOK, "selftest-host", struct {
		frame
		Allow, Cancel string
	}{h.Pages.frame(), back("code", selftestName), back("error", "access_denied")})
}

func (h *Handler) selftestProbe(w http.ResponseWriter, _ *http.Request) {
	api.WriteJSON(w, http.StatusOK, struct {
		ID   string `json:"id"`
		Time int64  `json:"time"` // milliseconds since 1970
	}{rand.Text(), h.now().UnixMilli()})
}

// selftestSite is the built-in site: our own page alone may open its popup.
func (h *Handler) selftestSite() *site.Site {
	return &site.Site{Name: selftestName, Title: "the self-test", Origins: []string{h.URL}}
}

// selftestNext is where begin sends the person.
func (h *Handler) selftestNext(state string) string {
	return h.URL + "/auth/selftest/host?" + url.Values{"state": {state}}.Encode()
}

// selftestGrant is what the built-in host gives for what its page returned with:
// a worthless token for its code, a Refusal for anything else.
func selftestGrant(code, hostError string) (provider.Grant, error) {
	switch {
	case hostError == "access_denied":
		return provider.Grant{}, &provider.Refusal{Reason: provider.Cancelled, Detail: "Cancel was pressed"}
	case hostError != "" || code != selftestName:
		return provider.Grant{}, &provider.Refusal{Reason: provider.BadCode, Detail: "not the self-test's code"}
	}
	return provider.Grant{AccessToken: selftestName}, nil
}
