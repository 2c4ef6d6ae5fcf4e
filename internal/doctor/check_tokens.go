package doctor

import (
	"fmt"
	"time"
)

// checkTokens says how long a sign-in lasts, and whether this CMS can renew it.
func (x *exam) checkTokens() {
	c, backend := x.report.Client, x.backend()
	life, known := x.life()
	switch {
	case known && life == 0:
		x.pass(GroupToken, "token-life", "Sign-ins do not end by time.")
	case backend == "bitbucket" && x.found("bitbucket-base-url"):
		// said already
	case c.refreshes(backend):
		x.pass(GroupToken, "token-life", c.Title()+" renews the editor's token by itself.")
	case !known:
		x.pass(GroupToken, "token-life", "How long a sign-in lasts is not known: eight hours when tokens of the app expire, else without end.")
	default:
		remedy := fmt.Sprintf("Tell editors to save before, or use Sveltia CMS, which renews it; no setting makes %s do so.", c.Title())
		if backend == "github" {
			remedy = fmt.Sprintf("Use Sveltia CMS, which renews it, or, less safe, switch the expiry of user tokens off in the app's settings at the host; %s cannot renew it.", c.Title())
		}
		x.find(Finding{
			ID: "token-life", Group: GroupToken, Severity: Warning,
			Problem: fmt.Sprintf("A sign-in ends after %s, and %s cannot renew it: what is not saved by then is lost.", hours(life), c.Title()),
			Remedy:  remedy,
		})
	}
}

// life is how long a token lives: as the latest sign-in told, else as the host
// always does it.
func (x *exam) life() (life time.Duration, known bool) {
	if x.site != nil && x.site.Life != nil {
		return *x.site.Life, true
	}
	switch x.backend() {
	case "gitlab", "bitbucket":
		return 2 * time.Hour, true
	}
	return 0, false
}

func hours(d time.Duration) string {
	switch h := d.Hours(); {
	case h < 1.5:
		return fmt.Sprintf("%d minutes", int(d.Minutes()+0.5))
	case h < 48:
		return fmt.Sprintf("%d hours", int(h+0.5))
	default:
		return fmt.Sprintf("%d days", int(h/24+0.5))
	}
}
