package provider

import (
	"strings"
	"testing"
	"unicode"
)

// Whatever a host answers: what comes out can stand in a header, or nothing
// comes out.
func FuzzParseToken(f *testing.F) {
	for _, c := range []string{"application/json", "application/x-www-form-urlencoded", "text/plain", "", "text/html", "application/problem+json", "; ="} {
		for _, body := range []string{
			`{"access_token":"a","expires_in":"28800","scope":"a,b","token_type":"Bearer"}`,
			`{"error":{"message":"x"}}`, `{"error":"bad","error_description":"y"}`, `[{}]`, `null`, `{"access_token":"\u0000"}`, `{"expires_in":1e999}`,
			"access_token=a&scope=x%2Cy&expires_in=3", "error=x&error_description=y", "access_token=%0d%0a", "a=1;b=2",
		} {
			f.Add(c, []byte(body))
		}
	}
	f.Fuzz(func(t *testing.T, contentType string, body []byte) {
		x, err := parseToken(contentType, body)
		switch {
		case err != nil:
			if x != (token{}) {
				t.Errorf("an error and %+v", x)
			}
			if strings.Contains(err.Error(), "\n") || len(err.Error()) > maxDetail {
				t.Errorf("the error is %q", err)
			}
		case x.failed:
			if x.access != "" || x.refresh != "" {
				t.Errorf("failed, and yet %+v", x)
			}
		case !validToken(x.access), x.refresh != "" && !validToken(x.refresh), x.life < 0, x.life > maxLife:
			t.Errorf("%+v", x)
		case oneLine(x.scope, 1000) != x.scope:
			t.Errorf("the scope is %q", x.scope)
		}
		if validToken(x.access) && (len(x.access) > maxTokenLength || strings.ContainsFunc(x.access, func(r rune) bool { return r <= ' ' || r > '~' })) {
			t.Errorf("the token is %q", x.access)
		}
	})
}

func TestParseSSO(t *testing.T) {
	for header, want := range map[string]struct {
		required bool
		link     string
	}{
		"": {},
		"required; url=https://github.com/orgs/o/sso?authorization_request=AZ": {true, "https://github.com/orgs/o/sso?authorization_request=AZ"},
		" required ;url = https://github.com/x ":                               {true, "https://github.com/x"},
		"required":                                                             {true, ""},
		"required; organisation=7":                                             {true, ""},
		"required; url=":                                                       {true, ""},
		"partial-results; organizations=21955855":                              {}, //nolint:misspell // as GitHub spells it
		"partial-results; url=https://github.com/":                             {},
		"requiredish; url=https://github.com/":                                 {},
	} {
		if required, link := parseSSO(header); required != want.required || link != want.link {
			t.Errorf("%q: %v %q", header, required, link)
		}
	}
}

// A link that is passed on leads to the host, whatever the header holds.
func FuzzParseSSO(f *testing.F) {
	for _, s := range []string{
		"required; url=https://github.com/orgs/o/sso", "required; url=https://github.com.evil.example/", "required; url=https://github.com@evil.example/",
		"required; url=javascript:alert(1)", "required; url=//evil.example", "required; url=https:github.com", "required; url=https://github.com\\@evil.example", "required; url=https://GitHub.com:443/",
	} {
		f.Add(s)
	}
	p := &Provider{App: App{Kind: GitHub, URL: "https://github.com"}}
	f.Fuzz(func(t *testing.T, header string) {
		_, link := parseSSO(header)
		if !p.ownLink(link) {
			return
		}
		rest, ok := strings.CutPrefix(strings.ToLower(link), "https://github.com")
		if !ok || rest != "" && !strings.ContainsRune("/?#", rune(rest[0])) || strings.ContainsFunc(link, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) {
			t.Errorf("%q is passed on", link)
		}
	})
}

func TestOwnLinks(t *testing.T) {
	for link, want := range map[string]bool{
		"https://github.com/orgs/o/sso?x=y":    true,
		"https://GITHUB.com/orgs/o/sso":        true,
		"":                                     false,
		"/orgs/o/sso":                          false,
		"//github.com/orgs":                    false,
		"http://github.com/orgs/o/sso":         false,
		"https://github.com.evil.example/":     false,
		"https://github.com:8443/":             false,
		"https://github.com@evil.example/":     false,
		"https://evil.example@github.com/":     false,
		"https://evil.example/github.com":      false,
		"https://github.com\\.evil.example/":   false,
		"javascript:alert(1)":                  false,
		"https:github.com":                     false,
		"https://github.com/\u202e":            false,
		"https://github.com/a b":               false,
		"https://github.com/" + long(2048):     false,
		"https://github.com/?" + long(2048-20): true,
	} {
		p := &Provider{App: App{URL: "https://github.com"}}
		if p.ownLink(link) != want {
			t.Errorf("%.60q: %v", link, !want)
		}
	}
}

func long(n int) string { return strings.Repeat("x", n) }

func TestRepositoryPaths(t *testing.T) {
	for path, want := range map[string]bool{
		"o/r": true, "group/sub/name": true, "o.x/r_y-z": true,
		"": false, "o": false, "/o/r": false, "o/r/": false, "o//r": false, "o/..": false, "./r": false, "o/r?x": false, "o/r#x": false, "o/%2e%2e": false,
		`o/r" OR full_name="x/y`: false, "o/a b": false, "o/ä": false, "o/\x00": false, `o\r/x`: false, "o/" + long(600): false,
	} {
		if validPath(path) != want {
			t.Errorf("%.40q: %v", path, !want)
		}
	}
}

func TestOneLine(t *testing.T) {
	for text, want := range map[string]string{
		"a\r\nb\tc\x00d\u2028e\u2029f": "a b c d e f",
		"  a  ":                        "a",
		"rtl \u202e evil":              "rtl evil",
		"bad \xff utf":                 "bad utf",
		"äöü 語":                        "äöü 語",
		long(13):                       long(11) + "…",
		long(12):                       long(12),
	} {
		if got := oneLine(text, 12); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func FuzzOneLine(f *testing.F) {
	f.Add("a\r\nb\u2028c", 5)
	f.Add("ä\xffö", 2)
	f.Fuzz(func(t *testing.T, text string, n int) {
		n = max(1, min(n, 500))
		got := oneLine(text, n)
		if len([]rune(got)) > n || strings.ContainsFunc(got, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("%q", got)
		}
	})
}

func TestSecretsAreTakenOut(t *testing.T) {
	if got := without("x a+/b=c y a%2B%2Fb%3Dc z", "a+/b=c", "", "x"); got != "x … y … z" {
		t.Error(got)
	}
}
