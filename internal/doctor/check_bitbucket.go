package doctor

import "strings"

// checkBitbucket looks at the keys by which Netlify CMS and Decap CMS renew
// Bitbucket's tokens: they stand beside backend, and nowhere else do they
// matter.
func (x *exam) checkBitbucket() {
	if x.backend() != "bitbucket" {
		return
	}
	base, siteID := x.config.top["base_url"], x.config.top["site_id"]
	right := x.broker
	if right == "" {
		right = strings.TrimRight(x.config.get("base_url").text, "/")
	}
	switch written := strings.TrimRight(base.text, "/"); {
	case written == "":
		x.find(Finding{
			ID: "bitbucket-base-url", Group: GroupBucket, Severity: Security,
			Problem: "base_url is missing beside backend, so the CMS sends what renews the editor's token to https://api.netlify.com.",
			Remedy:  "Write base_url twice: at the left margin, and below backend.",
		})
	case right != "" && written != right && !x.addressMended():
		x.find(Finding{
			ID: "bitbucket-base-url", Group: GroupBucket, Severity: Security, Line: base.line,
			Problem: "base_url at the left margin is not the one below backend, so what renews the editor's token is sent elsewhere.",
			Remedy:  "Write the same address into both.",
		})
	default:
		x.pass(GroupBucket, "bitbucket-base-url", "Tokens are renewed at "+right+".")
	}
	if right != "" && strings.TrimRight(base.text, "/") != right {
		x.mend("base_url", right, "where tokens are renewed")
	}
	if siteID.text == "" {
		x.find(Finding{
			ID: "bitbucket-site-id", Group: GroupBucket, Severity: Warning,
			Problem: "site_id is missing beside backend, so the CMS renews tokens under the page's host name, whatever site_domain says.",
			Remedy:  "Write site_id: " + x.siteID + " at the left margin.",
		})
		x.mend("site_id", x.siteID, "as site_domain")
	} else {
		x.pass(GroupBucket, "bitbucket-site-id", "Tokens are renewed for "+siteID.text+".")
	}
	x.checkBucketBranch()
}

// addressMended reports whether base_url below backend is going to change: the
// one beside it will then follow, and need not be complained of.
func (x *exam) addressMended() bool {
	_, ok := x.repairs["backend.base_url"]
	return ok && strings.TrimRight(x.config.top["base_url"].text, "/") == strings.TrimRight(x.config.get("base_url").text, "/")
}

func (x *exam) checkBucketBranch() {
	if x.config.get("branch").text != "" {
		x.pass(GroupBucket, "bitbucket-branch", "The branch is named.")
		return
	}
	branch := "main"
	if x.site != nil && x.site.Branch != "" {
		branch = x.site.Branch
	}
	x.find(Finding{
		ID: "bitbucket-branch", Group: GroupBucket, Severity: Warning,
		Problem: "branch is missing, and the CMS asks Bitbucket for it in a way that Bitbucket does not understand.",
		Remedy:  "Write branch: " + branch + " below backend, or the one that the site is built from.",
	})
	x.mend("backend.branch", branch, "it was missing")
}
