package doctor

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/net/publicsuffix"
)

// checkNeighbours looks at the other addresses that an editor may type: with
// and without www, and http. A page there has an origin of its own.
func (x *exam) checkNeighbours() {
	x.checkPatterns()
	host := x.page.url.Hostname()
	if isLoopback(host) || net.ParseIP(host) != nil {
		return
	}
	if other := sibling(host); other != "" {
		x.checkNeighbour("origin-www", x.page.url.Scheme, other)
	}
	if x.page.url.Scheme == "https" {
		x.checkNeighbour("origin-http", "http", host)
	}
}

// sibling is the host with www in front, or without it; empty: there is none.
func sibling(host string) string {
	if bare, ok := strings.CutPrefix(host, "www."); ok {
		return bare
	}
	if own, err := publicsuffix.EffectiveTLDPlusOne(host); err == nil && own == host {
		return "www." + host
	}
	return ""
}

// checkNeighbour asks for the page at another address. It is fine when there is
// nothing, when it leads to the page, or when the broker accepts it as well.
func (x *exam) checkNeighbour(id, scheme, host string) {
	u := *x.page.url
	u.Scheme, u.Host = scheme, host
	if p := x.page.url.Port(); p != "" && scheme == x.page.url.Scheme {
		u.Host = net.JoinHostPort(host, p)
	}
	a, err := x.follow(u.String())
	switch {
	case err != nil:
		x.pass(GroupOrigin, id, "Nobody gets to "+originOf(&u)+".")
		return
	case originOf(a.url) == x.page.origin():
		x.pass(GroupOrigin, id, originOf(&u)+" leads to "+x.page.origin()+".")
		return
	case a.status != http.StatusOK || originOf(a.url) != originOf(&u) || !readPage(a.body, a.url).isCMS():
		x.pass(GroupOrigin, id, "There is no CMS page at "+originOf(a.url)+".")
		return
	}
	if x.accepted(originOf(a.url)) {
		x.pass(GroupOrigin, id, "Gatehouse accepts "+originOf(a.url)+", too.")
		return
	}
	x.find(Finding{
		ID: id, Group: GroupOrigin, Severity: Warning,
		Problem: fmt.Sprintf("The CMS page opens at %s as well, and from there nobody can sign in.", originOf(a.url)),
		Remedy:  fmt.Sprintf("Redirect %s to %s.", originOf(a.url), x.page.origin()),
	})
}

// accepted reports whether the broker lets another origin in. Without an answer
// it is taken to do so: that check has been made for the page itself.
func (x *exam) accepted(origin string) bool {
	if strings.HasPrefix(origin, "http:") {
		return false // a token does not go to such a page, whoever would accept it
	}
	if x.broker == "" || x.found("popup", "origin", "site-unknown", "provider") {
		return true
	}
	p, err := x.openPopup()
	if err != nil || p.tx == "" || p.cookie == nil {
		return true
	}
	b, err := x.begin(p, origin)
	return err != nil || b.help != "E-origin"
}

// checkPatterns warns of origins that others can come by.
func (x *exam) checkPatterns() {
	if x.site == nil {
		return
	}
	for _, p := range x.site.PreviewOrigins {
		x.find(Finding{
			ID: "origin-pattern", Group: GroupOrigin, Severity: Warning,
			Problem: "preview_origins admits " + p + ": whoever can publish a page there, be it as the preview of a stranger's proposal, can ask editors for a token.",
			Remedy:  "Name the previews that you work on in origins, or see that strangers' proposals get none.",
		})
	}
	for _, o := range x.site.DevOrigins {
		u, err := url.Parse(o)
		if err == nil && !isLoopback(u.Hostname()) {
			x.find(Finding{
				ID: "origin-dev", Group: GroupOrigin, Severity: Warning,
				Problem: "dev_origins has " + o + ", which is no laptop.",
				Remedy:  "Write it under origins.",
			})
		}
	}
	if !x.found("origin-pattern", "origin-dev") {
		x.pass(GroupOrigin, "origin-pattern", "Only pages that are named may ask for a token.")
	}
}
