package doctor

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/net/idna"

	"gatehouse/internal/outbound"
)

// checkAddress looks at base_url and auth_endpoint, first as they are written,
// then at what answers there.
func (x *exam) checkAddress() {
	x.readBase()
	x.readEndpoint()
	x.siteID = x.report.Client.siteID(x.page.url.Hostname(), x.config.get("site_domain").text)
	x.checkSiteDomain()
	bare := x.broker
	if bare != "" {
		x.checkReached()
	}
	want := cmp.Or(x.broker, bare)
	if _, said := x.repairs["backend.base_url"]; !said && want != "" && strings.TrimRight(x.config.get("base_url").text, "/") != want {
		x.mend("backend.base_url", want, "a bare origin, as browsers send it")
	}
}

// wrong files a finding about base_url.
func (x *exam) wrongBase(id, text, remedy string) {
	x.find(Finding{ID: id, Group: GroupAddress, Severity: Error, Line: x.config.line("base_url"), Problem: text, Remedy: remedy})
}

// readBase finds out which origin base_url means, and what about its form
// would break the sign-in.
func (x *exam) readBase() {
	raw := x.config.get("base_url").text
	if raw == "" {
		x.missingBase()
		return
	}
	before := len(x.report.Checks)
	u, err := url.Parse(x.withScheme(raw))
	if err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" {
		x.wrongBase("base-url-form", "base_url is no address.", "Write the address of Gatehouse, such as https://auth.example.com.")
		x.broker = x.publicURL()
		return
	}
	x.checkForm(raw, u)
	host := x.asciiHost(u)
	port := u.Port()
	if port == "443" && u.Scheme == "https" || port == "80" && u.Scheme == "http" {
		port = ""
	}
	if port != "" {
		host = net.JoinHostPort(strings.Trim(host, "[]"), port)
	} else if strings.Contains(host, ":") {
		host = "[" + strings.Trim(host, "[]") + "]"
	}
	x.broker = u.Scheme + "://" + host
	if u.Scheme == "http" && !isLoopback(u.Hostname()) {
		x.wrongBase("base-url-https", "base_url is http, and the popup would bring the token by it.", "Write https.")
		x.broker = "https://" + strings.TrimSuffix(host, ":80")
	}
	if len(x.report.Checks) == before {
		x.pass(GroupAddress, "base-url", "base_url is a bare origin: "+x.broker+".")
	}
}

// publicURL is where Gatehouse is, if the settings are known.
func (x *exam) publicURL() string {
	if x.Settings == nil {
		return ""
	}
	return x.Settings.URL
}

func (x *exam) missingBase() {
	base, _ := x.report.Client.defaults(x.backend())
	x.broker = x.publicURL()
	remedy := "Write base_url below backend: the address of your Gatehouse, such as https://auth.example.com."
	if x.broker != "" {
		remedy = "Write base_url: " + x.broker + " below backend."
		x.mend("backend.base_url", x.broker, "it was missing")
	} else {
		x.mend("backend.base_url", brokerPlaceholder, "it was missing: write the address of your Gatehouse")
	}
	x.wrongBase("base-url-missing", "base_url is missing, so the popup is opened at "+base+".", remedy)
}

// brokerPlaceholder is what the block has for an address that nobody has named.
const brokerPlaceholder = "https://GATEHOUSE"

// withScheme reads an address whose scheme was forgotten.
func (x *exam) withScheme(raw string) string {
	rest, relative := strings.CutPrefix(raw, "//")
	if !relative && strings.Contains(raw, "://") {
		return raw
	}
	scheme := "https://"
	if u, err := url.Parse("http://" + rest); err == nil && isLoopback(u.Hostname()) {
		scheme = "http://"
	}
	x.wrongBase("base-url-scheme", "base_url has no scheme, so the popup is opened below the CMS page itself.", "Write "+scheme+" before it.")
	return scheme + rest
}

// checkForm looks for what a bare origin does not have.
func (x *exam) checkForm(raw string, u *url.URL) {
	if u.User != nil {
		x.wrongBase("base-url-user", "base_url has a user's name or password in it.", "Write the scheme and the host alone.")
	}
	if strings.Trim(u.Path, "/") != "" {
		remedy := "Write the scheme and the host alone."
		if p := strings.Trim(u.Path, "/"); p == "auth" || p == "oauth/authorize" {
			remedy = "Write the scheme and the host alone; the path is auth_endpoint."
		}
		x.wrongBase("base-url-path", "base_url has a path in it, and the CMS believes messages of that exact address alone, which no page can have.", remedy)
	}
	if u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.HasSuffix(raw, "#") {
		x.wrongBase("base-url-extra", "base_url has something behind the host (? or #).", "Write the scheme and the host alone.")
	}
	if p := u.Port(); p == "443" && u.Scheme == "https" || p == "80" && u.Scheme == "http" {
		x.wrongBase("base-url-port", "base_url names the usual port, which browsers leave out, so that the CMS does not recognise the popup.", "Leave :"+p+" away.")
	}
	scheme, _, _ := strings.Cut(raw, ":")
	if u.Host != strings.ToLower(u.Host) || strings.Contains(raw, "://") && scheme != strings.ToLower(scheme) {
		f := Finding{ID: "base-url-case", Group: GroupAddress, Severity: Error, Line: x.config.line("base_url"), Problem: "base_url has capital letters, which browsers make small, so that the CMS does not recognise the popup.", Remedy: "Write it in lower case."}
		if x.report.Client.sveltia() {
			f.Severity, f.Problem = Warning, "base_url has capital letters, which only Sveltia CMS forgives."
		}
		x.find(f)
	}
}

// asciiHost is the host as browsers send it.
func (x *exam) asciiHost(u *url.URL) string {
	host := strings.ToLower(u.Hostname())
	for _, r := range host {
		if r < 0x80 {
			continue
		}
		ascii, err := idna.Lookup.ToASCII(host)
		if err != nil {
			return host
		}
		x.wrongBase("base-url-letters", "base_url has letters that browsers write in another way ("+ascii+"), so that the CMS does not recognise the popup.", "Write "+ascii+".")
		return ascii
	}
	return host
}

// readEndpoint finds out the popup's path.
func (x *exam) readEndpoint() {
	written := x.config.get("auth_endpoint")
	_, x.endpoint = x.report.Client.defaults(x.backend())
	if written.text == "" {
		return
	}
	if strings.Contains(written.text, "://") || strings.ContainsAny(written.text, "?# ") {
		x.find(Finding{ID: "endpoint-form", Group: GroupAddress, Severity: Error, Line: written.line, Problem: "auth_endpoint is more than a path below base_url.", Remedy: "Write auth_endpoint: auth."})
		x.endpoint = "auth"
		x.mend("backend.auth_endpoint", "auth", "a path")
		return
	}
	x.endpoint = strings.Trim(written.text, "/")
}

// checkSiteDomain looks at the form of site_domain.
func (x *exam) checkSiteDomain() {
	d := x.config.get("site_domain")
	u, err := url.Parse(d.text)
	switch {
	case d.text == "":
		return
	case strings.Contains(d.text, "://") && err == nil && u.Hostname() != "":
		x.siteID = u.Hostname()
	case strings.ContainsAny(d.text, "/:") && !strings.Contains(d.text, "://"):
		x.siteID = d.text[:strings.IndexAny(d.text, "/:")]
	case d.text != strings.ToLower(d.text):
		x.siteID = strings.ToLower(d.text)
	default:
		return
	}
	x.find(Finding{ID: "site-domain", Group: GroupAddress, Severity: Warning, Line: d.line, Problem: "site_domain is more than the name of a site.", Remedy: "Write site_domain: " + x.siteID + "."})
	x.mend("backend.site_domain", x.siteID, "a host name alone")
}

// checkReached looks whether Gatehouse is at the address, and not only a
// redirect to it.
func (x *exam) checkReached() {
	if public := x.publicURL(); public != "" && x.broker != public {
		x.wrongBase("base-url-public", fmt.Sprintf("base_url is %s, and Gatehouse is at %s (url in gatehouse.yaml).", x.broker, public), "Write base_url: "+public+".")
		x.broker = public
	}
	a, err := x.get(x.broker + "/healthz")
	if err != nil {
		remedy := "Start Gatehouse, and look at its name, certificate and proxy."
		if errors.Is(err, outbound.ErrPrivate) {
			remedy = "If Gatehouse is inside on purpose, examine the site with --private."
		}
		x.wrongBase("base-url-reach", "Nothing is reached at "+x.broker+": "+why(err)+".", remedy)
		x.broker = ""
		return
	}
	if next := a.redirect(); next != nil && originOf(next) != x.broker {
		x.wrongBase("base-url-redirect", fmt.Sprintf("%s redirects to %s, so that the popup ends up where the CMS does not expect it.", x.broker, originOf(next)), "Write base_url: "+originOf(next)+".")
		if a, err = x.follow(next.String()); err != nil {
			x.broker = ""
			return
		}
		x.broker = originOf(a.url)
	}
	if !isGatehouse(a) {
		x.wrongBase("base-url-gatehouse", "What answers at "+x.broker+" is not Gatehouse.", "Write the address of your Gatehouse.")
		x.broker = ""
		if x.Settings == nil {
			x.mend("backend.base_url", brokerPlaceholder, "write the address of your Gatehouse")
		}
		return
	}
	if !x.found("base-url-public", "base-url-redirect") {
		x.pass(GroupAddress, "base-url-public", "Gatehouse answers at "+x.broker+".")
	}
}

// isGatehouse reports whether an answer of /healthz is ours.
func isGatehouse(a *answer) bool {
	var health struct {
		Status  string  `json:"status"`
		Version *string `json:"version"`
	}
	if misdirected(a) {
		return true
	}
	return a.status == http.StatusOK && json.Unmarshal(a.body, &health) == nil && health.Status != "" && health.Version != nil
}

// misdirected reports whether Gatehouse says that it is known by another name.
func misdirected(a *answer) bool { return readBrokerPage(a.body).help == "E-host" }
