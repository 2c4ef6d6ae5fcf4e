package provider

import (
	"net/url"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/oauth2"
)

// Issuer is what iss on the callback must equal when it is there (RFC 9207).
func (p *Provider) Issuer() string { return p.link(p.dialect.issuer) }

// Scope is what is asked of the host: never wider than max (empty: the kind's
// usual one). What the caller asked for can only narrow it; whatever is not
// known to do so is not looked at. Empty where scopes belong to the app.
func (p *Provider) Scope(max, asked string, openAuthoring bool) string {
	if p.dialect.scope == "" || p.isApp() {
		return ""
	}
	words := scopes(max)
	switch {
	case len(words) > 0:
	case openAuthoring && p.dialect.open != "":
		words = scopes(p.dialect.open)
	default:
		words = scopes(p.dialect.scope)
	}
	wanted := scopes(asked)
	var decided []string
	for _, w := range words {
		if less := p.dialect.narrower[w]; less != "" && slices.Contains(wanted, less) && !slices.Contains(wanted, w) {
			w = less
		}
		if !slices.Contains(decided, w) {
			decided = append(decided, w)
		}
	}
	return strings.Join(decided, " ")
}

// scopes takes a list of scopes apart, however it is separated.
func scopes(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return strings.ContainsRune(" ,+\t\r\n", r) })
}

// lacking is what of asked is not covered by granted.
func (d dialect) lacking(granted, asked string) []string {
	have := map[string]bool{}
	for _, g := range scopes(granted) {
		have[g] = true
		for _, less := range d.covers[g] {
			have[less] = true
		}
	}
	var missing []string
	for _, a := range scopes(asked) {
		// offline_access asks for a refresh token; it is no right.
		if !have[a] && a != "offline_access" {
			missing = append(missing, a)
		}
	}
	return missing
}

// lackingRefusal is the refusal for a grant that is too small, or nil. Nothing
// told is no reason to refuse: the host's API decides then.
func (p *Provider) lackingRefusal(granted, asked, login string) *Refusal {
	if len(scopes(granted)) == 0 {
		return nil
	}
	missing := p.dialect.lacking(granted, asked)
	if len(missing) == 0 {
		return nil
	}
	r := refuse(Scope, "granted was %q, and %q is missing", granted, strings.Join(missing, " "))
	r.Login = login
	return r
}

// Chooses reports whether the host can ask the person for another account than
// the one that is signed in there.
func (p *Provider) Chooses() bool { return len(p.dialect.choose) > 0 }

// AuthCodeURL is where the person is sent.
func (p *Provider) AuthCodeURL(r AuthRequest) string {
	var options []oauth2.AuthCodeOption
	if p.PKCE && r.Verifier != "" {
		options = append(options, oauth2.S256ChallengeOption(r.Verifier))
	}
	if r.Switch {
		for name := range p.dialect.choose {
			options = append(options, oauth2.SetAuthURLParam(name, p.dialect.choose.Get(name)))
		}
	}
	c := oauth2.Config{
		ClientID:    p.ClientID,
		RedirectURL: r.Redirect,
		Endpoint:    oauth2.Endpoint{AuthURL: p.link(p.dialect.authorize)},
	}
	if r.Scope != "" {
		c.Scopes = []string{r.Scope}
	}
	return c.AuthCodeURL(r.State, options...)
}

// CallbackError is what the host's error on the callback means. Both texts
// come from a URL that anybody can write.
func (p *Provider) CallbackError(code, description string) *Refusal {
	reason := Upstream
	switch code {
	case "access_denied":
		reason = Cancelled
	case "redirect_uri_mismatch", "application_suspended", unauthorised, "invalid_client",
		"invalid_redirect_uri", "invalid_scope", "unsupported_response_type":
		reason = BadClient
	}
	return &Refusal{Reason: reason, Detail: oneLine(without(said(code, description), p.ClientSecret), maxDetail)}
}

// unauthorised is RFC 6749's word for an app that may not do this.
const unauthorised = "unauthorized_client" //nolint:misspell // as the RFC spells it

// said is a host's error as a sentence for the operator.
func said(code, description string) string {
	if !errorCode.MatchString(code) {
		code = "an error"
	}
	if description == "" {
		return code
	}
	return code + ": " + description
}

// errorCode is how RFC 6749 lets errors look, without spaces.
var errorCode = regexp.MustCompile(`^[a-zA-Z0-9_.-]{1,64}$`)

// Registration is what an operator needs to register the app at the host.
type Registration struct {
	URL    string // the host's form, filled in where the host allows it
	Fields []Field
}

// Field is one line of that form.
type Field struct{ Label, Value string }

// Registration is how to register the app. The homepage is what the form asks
// for under that name: the URL of Gatehouse or of the site.
func (p *Provider) Registration(homepage, callback string) Registration {
	return p.dialect.register(p, homepage, callback)
}

// appName is what the app is called at the host unless the operator says so.
func appName(homepage string) string {
	if u, err := url.Parse(homepage); err == nil && u.Hostname() != "" {
		return "Gatehouse at " + u.Hostname()
	}
	return "Gatehouse"
}
