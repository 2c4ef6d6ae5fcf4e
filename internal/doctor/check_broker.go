package doctor

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
)

// checkBroker opens the popup as the CMS does, up to the address at the host
// that it would go to.
func (x *exam) checkBroker() {
	if x.broker == "" {
		return
	}
	p, err := x.openPopup()
	if err == nil && p.status == http.StatusNotFound && p.nowhere() && x.endpoint != "auth" {
		p = x.otherEndpoint(p)
	}
	if err != nil {
		x.find(Finding{ID: "popup", Group: GroupOrigin, Severity: Error, Problem: "The popup's page cannot be opened at " + x.broker + ": " + why(err) + ".", Remedy: "Look at the proxy in front of Gatehouse, and at Gatehouse's log."})
		return
	}
	if p.tx == "" || p.status != http.StatusOK {
		x.checkRefusedPopup(p)
		x.checkProxyHeaders(p.answer, "the popup's page")
		return
	}
	x.checkEndpointKnown()
	x.checkProxyPopup(p)
	if x.found("proxy-cookie", "proxy-https") {
		return // the broker would not know us again
	}
	b, err := x.begin(p, x.page.origin())
	if err != nil {
		x.find(Finding{ID: "popup", Group: GroupOrigin, Severity: Error, Problem: "The broker broke off the sign-in: " + why(err) + ".", Remedy: "Look at the proxy in front of Gatehouse, and at Gatehouse's log."})
		return
	}
	x.checkBegun(b)
	x.checkCallback(b)
}

// otherEndpoint looks whether the usual path is served where the written one is
// not.
func (x *exam) otherEndpoint(refused *popup) *popup {
	written := x.endpoint
	x.endpoint = "auth"
	p, err := x.openPopup()
	if err != nil || p.nowhere() {
		x.endpoint = written
		return refused
	}
	f := Finding{
		ID: "endpoint", Group: GroupAddress, Severity: Error, Line: x.config.line("auth_endpoint"),
		Problem: "Gatehouse serves no popup at auth_endpoint: " + quote(written) + ".",
		Remedy:  "Write auth_endpoint: auth, or name the path as the site's auth_endpoint in gatehouse.yaml.",
	}
	if x.site != nil && strings.Trim(x.site.Endpoint, "/") == written {
		f.Remedy = "It is in gatehouse.yaml, so the server has not read that file anew: send it SIGHUP, or restart it."
	}
	x.find(f)
	x.mend("backend.auth_endpoint", "auth", "the path that Gatehouse serves")
	return p
}

func (x *exam) checkEndpointKnown() {
	if !x.found("endpoint", "endpoint-form") {
		x.pass(GroupAddress, "endpoint", "The popup is served at /"+x.endpoint+".")
	}
}

var blockBase = regexp.MustCompile(`base_url:\s*"?(https?://[^\s"]+)`)

// checkRefusedPopup says why the popup's page is none.
func (x *exam) checkRefusedPopup(p *popup) {
	f := Finding{ID: "popup", Group: GroupOrigin, Severity: Error, Problem: "Gatehouse says: " + p.sentence}
	switch p.help {
	case "E-host":
		x.checkOtherHost(p)
		return
	case "E-unknown-site":
		f.ID, f.Line = "site-unknown", x.config.line("site_domain")
		f.Problem = fmt.Sprintf("Gatehouse knows no site by the name that the CMS gives: %s.", quote(x.siteID))
		f.Remedy = "Add the name to the site's domains in gatehouse.yaml, or write a site_domain that it knows."
		f.Paste = p.config
		x.mendSite()
	case "E-provider":
		f = x.refusedProvider(p.sentence, p.config)
	case "E-rate":
		f.Severity, f.Remedy = Note, "Wait some minutes, and run this once more."
	default:
		if p.help == "" {
			f.Problem = fmt.Sprintf("%s answers %d %s instead of the popup's page.", x.broker+"/"+x.endpoint, p.status, http.StatusText(p.status))
		}
		f.Remedy = "Look at the proxy in front of Gatehouse (it has to pass every path on), and at Gatehouse's log."
	}
	x.find(f)
}

// mendSite names the site as the settings know it.
func (x *exam) mendSite() {
	if x.site == nil {
		if x.config.get("site_domain").text != "" {
			x.mend("backend.site_domain", x.page.url.Hostname(), "the page's own host")
		}
		return
	}
	name := x.site.Name
	if host := x.page.url.Hostname(); contains(x.site.Domains, host) {
		name = host
	}
	x.mend("backend.site_domain", name, "as gatehouse.yaml knows it")
}

func (x *exam) refusedProvider(sentence, config string) Finding {
	f := Finding{
		ID: "provider", Group: GroupOrigin, Severity: Error, Line: x.config.line("name"),
		Problem: "Gatehouse has no sign-in with " + quote(x.backend()) + " for this site.",
		Remedy:  "Add a connector of that kind to gatehouse.yaml.", Paste: config,
	}
	if sentence != "" {
		f.Problem = "Gatehouse says: " + sentence
	}
	if x.site != nil && x.site.Kind != "" && x.site.Kind != x.backend() {
		f.Remedy = "Write name: " + x.site.Kind + ", as in gatehouse.yaml."
		x.mend("backend.name", x.site.Kind, "as in gatehouse.yaml")
	}
	return f
}

// checkOtherHost: Gatehouse answers, and says that this is not its name.
func (x *exam) checkOtherHost(p *popup) {
	if m := blockBase.FindStringSubmatch(p.config); m != nil && m[1] != x.broker {
		x.wrongBase("base-url-public", fmt.Sprintf("base_url is %s, and Gatehouse there says that it is at %s.", x.broker, m[1]), "Write base_url: "+m[1]+".")
		x.mend("backend.base_url", m[1], "the address that Gatehouse goes by")
		return
	}
	x.find(Finding{
		ID: "proxy-host", Group: GroupProxy, Severity: Error,
		Problem: "The proxy in front of Gatehouse does not pass the Host header on, so that every popup is refused.",
		Remedy:  "Pass it on: proxy_set_header Host $host (nginx), ProxyPreserveHost On (Apache).",
	})
}

// checkBegun reports what the broker thinks of the page's origin.
func (x *exam) checkBegun(b begun) {
	origin := x.page.origin()
	f := Finding{ID: "popup", Group: GroupOrigin, Severity: Error, Problem: "Gatehouse says: " + b.sentence, Paste: b.config}
	switch {
	case b.next != nil:
		x.pass(GroupProxy, "proxy-cookie", "The popup's cookie goes there and back.")
		x.pass(GroupOrigin, "origin", "Gatehouse accepts "+origin+" as the page that asks.")
		x.checkNext(b)
		return
	case b.help == "E-origin":
		f.ID = "origin"
		f.Problem = "Gatehouse does not accept " + origin + " as a page of this site."
		f.Remedy = "Add it to the site's origins in gatehouse.yaml."
		if x.site != nil && (contains(x.site.Origins, origin) || contains(x.site.DevOrigins, origin)) {
			f.Remedy = "It is in gatehouse.yaml, so the server has not read that file anew: send it SIGHUP, or restart it."
			f.Paste = ""
		}
	case b.help == "E-unknown-site":
		f.ID, f.Remedy = "site-unknown", "Add the name to the site's domains in gatehouse.yaml, or write a site_domain that it knows."
		x.mendSite()
	case b.help == "E-provider":
		f = x.refusedProvider(b.sentence, b.config)
	case b.help == "E-state":
		f.ID, f.Group = "proxy-cookie", GroupProxy
		f.Problem = "The popup's cookie does not come back to Gatehouse, so that nobody can sign in."
		f.Remedy = "Let the proxy pass Cookie on in requests; take caches away from /auth and /callback."
	case b.help == "E-rate":
		f.Severity, f.Remedy, f.Paste = Note, "Wait some minutes, and run this once more.", ""
	case b.help == "":
		f.ID, f.Group = "proxy-post", GroupProxy
		f.Problem = fmt.Sprintf("POST %s/auth/begin is answered with %d %s, and not by Gatehouse.", x.broker, b.status, http.StatusText(b.status))
		f.Remedy = "Let the proxy (or its firewall rules) pass POST with JSON to /auth on."
	default:
		f.Remedy = "Look for this in Gatehouse's log."
	}
	x.find(f)
}

// checkNext looks at where the popup would go.
func (x *exam) checkNext(b begun) {
	q := b.next.Query()
	back := q.Get("redirect_uri")
	f := Finding{ID: "authorize", Group: GroupOrigin, Severity: Error}
	switch {
	case b.next.Scheme != "https" && !isLoopback(b.next.Hostname()):
		f.Problem = "The popup would go to " + originOf(b.next) + ", which is not https."
		f.Remedy = "Write https in the connector's url."
	case q.Get("client_id") == "":
		f.Problem = "The popup would go to " + originOf(b.next) + " without a client_id."
		f.Remedy = "Give the connector the app's client_id."
	case back != "" && !strings.HasPrefix(back, x.broker+"/"):
		f.Problem = "The host would send people back to " + quote(back) + ", which is not at " + x.broker + "."
		f.Remedy = "Set url in gatehouse.yaml to the address in base_url."
	default:
		x.pass(GroupOrigin, "authorize", "The popup goes on to "+originOf(b.next)+"; the callback URL to be registered there is "+back+".")
		return
	}
	x.find(f)
}
