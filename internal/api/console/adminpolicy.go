package console

import (
	"net/http"
	"regexp"
	"strings"
)

// policy is the Content-Security-Policy of the editor. No script stands in the
// page itself, and none is compiled from text; 'wasm-unsafe-eval' lets Decap's
// image converter run, and the CMS's style library needs inline styles. Pictures,
// films and style sheets may come from anywhere with https, because articles,
// maps and previews of the site show such; scripts come from our addresses alone.
const policy = "default-src 'none'; script-src 'wasm-unsafe-eval' {scripts}; style-src 'self' 'unsafe-inline' https:; " +
	"img-src 'self' data: blob: https:; media-src 'self' data: blob: https:; font-src 'self' data: https:; " +
	"connect-src 'self' blob:; frame-src 'self' blob:; worker-src 'self' blob:; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// headers sets what every page of the editor has.
func (a *Admin) headers(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Content-Security-Policy", strings.Replace(policy, "{scripts}", scriptSources(r), 1))
}

// plainHost is a host and port that can stand in a policy as it is; an IPv6
// address cannot.
var plainHost = regexp.MustCompile(`^[A-Za-z0-9.-]+(:[0-9]+)?$`)

// scriptSources are the addresses that scripts may come from: not the whole
// origin, on which files that editors uploaded are served as well. A host
// without a scheme stands for the page's own scheme.
func scriptSources(r *http.Request) string {
	base, ok := publicPath(r)
	if !ok || !plainHost.MatchString(r.Host) {
		return "'self'"
	}
	at := r.Host + base
	return strings.Join([]string{at + "assets/", at + "custom/", at + "config.js", at + "seed.js"}, " ")
}

// plainPath is a path that can stand in a policy as it is.
var plainPath = regexp.MustCompile(`^[A-Za-z0-9/._~-]*$`)

// publicPath is the path of admin/ as the browser knows it, which has the
// prefix that the router took off.
func publicPath(r *http.Request) (string, bool) {
	path, _, _ := strings.Cut(r.RequestURI, "?")
	end := strings.LastIndex(path, "/admin/")
	if end < 0 || !plainPath.MatchString(path) {
		return "", false
	}
	return path[:end] + "/admin/", true
}
