// Package doctor examines a live site from outside, as the browser of an editor
// meets it: the CMS page, its config.yml, the headers of both, and the broker
// that config.yml points to. It says what is wrong in one sentence and what to
// do in another, and writes the block of config.yml that mends it.
//
//	page ──► CMS and version ──► config.yml ──► base_url ──► broker
//	 │                               │              │           │
//	 headers (COOP, CSP)             nesting        redirects   dry run of the popup,
//	 www, apex, http                 secrets        /healthz    up to the host's address
//
// The dry run opens the popup's page over HTTP, tells the broker the origin of
// the CMS page as the popup would, and reads where it would go on. The host
// itself is never asked, and nothing is sent anywhere but the cookie that the
// broker has just given, back to the broker.
//
// The checks are in files by group: check_config, check_page (the CMS, headers),
// check_address, check_broker (what the dry run says), check_origin,
// check_bitbucket, check_tokens, check_proxy and secrets.
package doctor

import (
	"context"
	"net/http"
	"time"
)

// Severity is how bad a finding is.
type Severity string

// The severities, from none on.
const (
	OK       Severity = "ok"       // looked at, and fine
	Note     Severity = "note"     // worth knowing
	Warning  Severity = "warning"  // some people, or some day
	Error    Severity = "error"    // sign-in does not work
	Security Severity = "security" // something leaks
)

// Grave reports whether somebody has to act.
func (s Severity) Grave() bool { return s == Error || s == Security }

// The groups of checks.
const (
	GroupConfig  = "config"    // the page, the CMS, config.yml
	GroupAddress = "base_url"  // where the popup is opened
	GroupBucket  = "bitbucket" // its tokens' refresh
	GroupOrigin  = "origin"    // who may open the popup
	GroupPage    = "page"      // the headers of the CMS page
	GroupSecret  = "secret"    // what must not be public
	GroupToken   = "token"     // how long a sign-in lasts
	GroupProxy   = "proxy"     // what is between the broker and the world
)

// Finding is the outcome of one check.
type Finding struct {
	ID       string   `json:"id"` // the same for ever: base-url-path
	Group    string   `json:"group"`
	Severity Severity `json:"severity"`
	Line     int      `json:"line,omitempty"` // of config.yml
	Problem  string   `json:"problem"`        // what is wrong; with OK: what was found
	Remedy   string   `json:"remedy,omitempty"`
	Paste    string   `json:"paste,omitempty"` // a header, or lines for gatehouse.yaml
}

// Report is the outcome of an examination.
type Report struct {
	URL       string    `json:"url"`    // of the CMS page, after redirects
	Client    Client    `json:"client"` // the CMS
	Config    string    `json:"config"` // URL of config.yml; empty: none was read
	Checks    []Finding `json:"checks"`
	Corrected string    `json:"corrected"` // the block for config.yml; empty: nothing is known to write
	Changed   bool      `json:"changed"`   // whether it differs from what is there
	OK        bool      `json:"ok"`        // no error, nothing leaks
}

// Options are what an examination goes by.
type Options struct {
	// URL is the CMS page (https://www.example.com/admin/) or the site's root.
	URL string
	// Client makes the requests. It must not follow redirects, and has to bound
	// time and size of each answer.
	Client *http.Client
	// Settings are the broker's; nil: not known.
	Settings *Settings
	// Step is told what is being done, and calls back when it is; nil: nobody is.
	Step func(what string) func()
	Now  func() time.Time
}

// Settings are what gatehouse.yaml says.
type Settings struct {
	URL         string // the public URL
	Sites       []Site
	SecretFiles []SecretFile
}

// Site is one site of gatehouse.yaml.
type Site struct {
	Name           string
	Kind           string // github, gitlab, …; git-gateway for a directory
	Repo           string // owner/name
	Branch         string // empty: the repository's default
	API            string // of a host that is not a public one; empty: a public one, or not known
	Origins        []string
	DevOrigins     []string
	PreviewOrigins []string
	Domains        []string // names that may be its site_id, hosts included
	Endpoint       string   // one more path of the popup; empty: none
	// Life is how long the token of the latest sign-in lived; nil: there was
	// none, or it cannot be read. 0: it did not end.
	Life *time.Duration
}

// SecretFile is a file with a secret in it that others on the machine can read.
type SecretFile struct{ Name, Setting string }

// exam is one examination.
type exam struct {
	Options
	report *Report
	page   *page
	config *configFile
	site   *Site // of the settings; nil: not known
	ctx    context.Context

	broker   string // the origin to ask, as base_url should be; empty: not known
	endpoint string // without slashes at the ends
	siteID   string // as the CMS sends it
	repairs  map[string]repair
}

// repair is what a key of config.yml should be.
type repair struct {
	value  string
	remove bool
	why    string
}

// Run examines a site. The error, fault.Unavailable or fault.Invalid, says why
// there was nothing to examine; everything else is in the report.
func Run(ctx context.Context, o Options) (*Report, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Step == nil {
		o.Step = func(string) func() { return func() {} }
	}
	x := &exam{Options: o, ctx: ctx, report: &Report{Checks: []Finding{}}, repairs: map[string]repair{}}
	done := x.Step("Opening the CMS page")
	if err := x.openPage(); err != nil {
		return nil, err
	}
	done()
	done = x.Step("Reading config.yml")
	x.checkClient()
	x.checkConfig()
	done()
	if x.popupExpected() {
		done = x.Step("Asking the broker")
		x.checkAddress()
		x.checkBroker()
		x.checkBitbucket()
		done()
		done = x.Step("Looking from other addresses")
		x.checkNeighbours()
		done()
		x.checkTokens()
	}
	x.checkHeaders()
	x.checkSecrets()
	x.finish()
	return x.report, ctx.Err()
}

// finish writes the block and the verdict.
func (x *exam) finish() {
	x.report.Corrected, x.report.Changed = x.block()
	x.report.OK = true
	for _, f := range x.report.Checks {
		if f.Severity.Grave() {
			x.report.OK = false
		}
	}
}

// find files a finding.
func (x *exam) find(f Finding) { x.report.Checks = append(x.report.Checks, f) }

// pass files a check that found nothing wrong.
func (x *exam) pass(group, id, what string) {
	x.find(Finding{ID: id, Group: group, Severity: OK, Problem: what})
}

// found reports whether a check has found something.
func (x *exam) found(ids ...string) bool {
	for _, f := range x.report.Checks {
		for _, id := range ids {
			if f.ID == id && f.Severity != OK {
				return true
			}
		}
	}
	return false
}

// mend notes what a key should be: "backend.base_url", or "base_url" at the top.
func (x *exam) mend(key, value, why string) { x.repairs[key] = repair{value: value, why: why} }

// drop notes that a key should go.
func (x *exam) drop(key, why string) { x.repairs[key] = repair{remove: true, why: why} }
