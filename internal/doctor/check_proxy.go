package doctor

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// checkProxyPopup looks at the popup's page for what a proxy has done to it.
func (x *exam) checkProxyPopup(p *popup) {
	x.pass(GroupProxy, "proxy-host", "Gatehouse is asked under its own name.")
	x.checkProxyHeaders(p.answer, "the popup's page")
	x.checkCookie(p)
	x.checkCache(p)
	x.checkClock(p.answer)
	if strings.HasPrefix(x.broker, "https:") {
		if p.header.Get("Strict-Transport-Security") == "" {
			x.find(Finding{ID: "proxy-hsts", Group: GroupProxy, Severity: Note, Problem: "Gatehouse's pages come without Strict-Transport-Security.", Remedy: "Let the proxy pass the header on, or set it: Strict-Transport-Security: max-age=31536000."})
		} else {
			x.pass(GroupProxy, "proxy-hsts", "Browsers are told to stay with https.")
		}
	}
}

func (x *exam) checkCookie(p *popup) {
	f := Finding{ID: "proxy-cookie", Group: GroupProxy, Severity: Error}
	switch c := p.cookie; {
	case c == nil:
		f.Problem = "The popup's page comes without its cookie, so that nobody can sign in."
		f.Remedy = "Let the proxy pass Set-Cookie on, and Cookie in requests; take caches away from /auth and /callback."
	case strings.HasPrefix(x.broker, "https:") && (!strings.HasPrefix(c.Name, "__Host-") || !c.Secure):
		f.ID = "proxy-https"
		f.Problem = "Gatehouse does not know that people reach it by https: its cookie is not Secure."
		f.Remedy = "Set url in gatehouse.yaml to " + x.broker + ", and let the proxy leave the cookie as it is."
	default:
		return // begin tells whether it comes back, too
	}
	x.find(f)
}

// checkCache looks for signs of a cache, and asks once more: two sign-ins are
// never the same.
func (x *exam) checkCache(p *popup) {
	sign := ""
	switch h := p.header; {
	case !strings.Contains(strings.ToLower(h.Get("Cache-Control")), "no-store"):
		sign = "Cache-Control: no-store is missing"
	case h.Get("Age") != "" && h.Get("Age") != "0":
		sign = "it is " + h.Get("Age") + " seconds old"
	case strings.HasPrefix(strings.ToLower(h.Get("X-Cache")), "hit") || strings.EqualFold(h.Get("CF-Cache-Status"), "hit"):
		sign = "it comes from a cache (X-Cache: hit)"
	default:
		if again, err := x.openPopup(); err == nil && again.tx == p.tx && again.tx != "" {
			sign = "two people got the same one"
		}
	}
	if sign == "" {
		x.pass(GroupProxy, "proxy-cache", "The popup's page is not kept by a cache.")
		return
	}
	x.find(Finding{
		ID: "proxy-cache", Group: GroupProxy, Severity: Error,
		Problem: "Something in front of Gatehouse keeps the popup's page: " + sign + ".",
		Remedy:  "Take /auth and /callback out of every cache, and pass Cache-Control on.",
	})
}

// checkProxyHeaders looks at the headers of a page of the broker.
func (x *exam) checkProxyHeaders(a *answer, what string) {
	if v := strings.ToLower(a.header.Get("Cross-Origin-Opener-Policy")); v != "" && v != "unsafe-none" && !x.found("proxy-coop") {
		x.find(Finding{
			ID: "proxy-coop", Group: GroupProxy, Severity: Error,
			Problem: title(what) + " is sent with Cross-Origin-Opener-Policy: " + v + ", which cuts it off from the CMS.",
			Remedy:  "Let the proxy add no such header to /auth and /callback; Gatehouse itself sends none.",
		})
	}
	var lost []string
	for _, name := range []string{"Content-Security-Policy", "X-Content-Type-Options", "Referrer-Policy"} {
		if a.header.Get(name) == "" {
			lost = append(lost, name)
		}
	}
	switch {
	case len(lost) > 0 && !x.found("proxy-headers"):
		x.find(Finding{
			ID: "proxy-headers", Group: GroupProxy, Severity: Warning,
			Problem: title(what) + " comes without " + strings.Join(lost, ", ") + ", which Gatehouse sends.",
			Remedy:  "Let the proxy pass Gatehouse's headers on.",
		})
	case !x.allowsOwnFiles(a) && !x.found("proxy-csp"):
		x.find(Finding{
			ID: "proxy-csp", Group: GroupProxy, Severity: Error,
			Problem: title(what) + " has a Content-Security-Policy that keeps its own script away.",
			Remedy:  "Let the proxy add no policy of its own to Gatehouse's pages.",
		})
	}
}

// allowsOwnFiles reports whether all policies let the page load its script and
// talk to Gatehouse.
func (x *exam) allowsOwnFiles(a *answer) bool {
	own, err := url.Parse(x.broker + "/auth/assets/x.mjs")
	if err != nil {
		return true
	}
	for _, p := range parsePolicies(a.header.Values("Content-Security-Policy"), nil) {
		if !p.allows(need{directive: "script-src", url: own}, own) || !p.allows(need{directive: "connect-src", url: own}, own) {
			return false
		}
	}
	return true
}

// maxSkew is how far the clocks may be apart.
const maxSkew = 2 * time.Minute

func (x *exam) checkClock(a *answer) {
	date, err := http.ParseTime(a.header.Get("Date"))
	if err != nil {
		return
	}
	if skew := x.Now().Sub(date); skew.Abs() > maxSkew {
		x.find(Finding{
			ID: "clock", Group: GroupProxy, Severity: Warning,
			Problem: fmt.Sprintf("The clock of the server and the one here are %s apart.", hours(skew.Abs())),
			Remedy:  "Set the server's clock by NTP: sign-ins and tokens end by it.",
		})
		return
	}
	x.pass(GroupProxy, "clock", "The server's clock is right.")
}

// checkCallback opens the page that the host returns to, without a sign-in.
func (x *exam) checkCallback(b begun) {
	if b.next == nil {
		return
	}
	back, err := url.Parse(b.next.Query().Get("redirect_uri"))
	if err != nil || originOf(back) != x.broker {
		return
	}
	a, err := x.get(x.broker + back.EscapedPath())
	f := Finding{ID: "proxy-callback", Group: GroupProxy, Severity: Error, Remedy: "Let the proxy pass " + back.Path + " on to Gatehouse."}
	switch {
	case err != nil:
		f.Problem = "The callback URL " + back.Path + " does not answer: " + why(err) + "."
	case readBrokerPage(a.body).kind == "":
		f.Problem = fmt.Sprintf("The callback URL %s is answered with %d %s, and not by Gatehouse.", back.Path, a.status, http.StatusText(a.status))
	default:
		x.pass(GroupProxy, "proxy-callback", "The callback URL is served by Gatehouse.")
		x.checkProxyHeaders(a, "the callback's page")
		x.passHeaders()
		return
	}
	x.find(f)
}

func (x *exam) passHeaders() {
	if !x.found("proxy-coop") {
		x.pass(GroupProxy, "proxy-coop", "Nothing cuts the popup off from the CMS.")
	}
	if !x.found("proxy-headers", "proxy-csp") {
		x.pass(GroupProxy, "proxy-headers", "Gatehouse's own headers arrive.")
	}
}
