package broker

import (
	"net/http"
	"net/url"

	"gatehouse/internal/provider"
	"gatehouse/internal/site"
)

// selftestName names the built-in site, its provider and its connector. With them
// the page /auth/selftest signs in to nothing at all, over the operator's own
// proxy and cookies:
//
//	GET /auth/selftest        acts like a CMS page
//	GET /auth/selftest/host   acts like a Git host: Allow and Cancel
//	GET /auth/selftest/probe  what of a request has arrived, as JSON
const selftestName = "selftest"

// mountSelftest serves the page and its host.
func (h *Handler) mountSelftest(mux *http.ServeMux) {}

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
