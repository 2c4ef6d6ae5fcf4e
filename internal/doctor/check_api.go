package doctor

import (
	"fmt"
	"strings"
)

// checkAPI reports a CMS that works at the public host while the repository is at
// a host of one's own: it would take the token of the one to the other.
func (x *exam) checkAPI() {
	if x.site == nil || x.site.API == "" {
		return
	}
	root := x.config.get("api_root")
	if strings.TrimRight(root.text, "/") == x.site.API {
		x.pass(GroupConfig, "api-root", "The CMS works at your own host: "+x.site.API+".")
		return
	}
	f := Finding{
		ID: "api-root", Group: GroupConfig, Severity: Error, Line: root.line,
		Problem: "config.yml does not say where the API of your host is, so the CMS takes the editor's token to the public host.",
		Remedy:  "Write api_root: " + x.site.API + " below backend.",
	}
	if root.text != "" { // which may be a proxy in front of it
		f.Severity = Warning
		f.Problem = fmt.Sprintf("The CMS works at %s, and the host that people sign in at has its API at %s.", quote(root.text), x.site.API)
	}
	x.mend("backend.api_root", x.site.API, "the API of your own host")
	x.find(f)
}
