package fakes

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
)

func TestRedirectMatching(t *testing.T) {
	t.Parallel()
	const registered = "https://auth.example.org/callback"
	tests := []struct {
		asked string
		fits  string // kinds
	}{
		{registered, "github gitlab bitbucket gitea"},
		{registered + "/", "github bitbucket"},
		{registered + "/more", "github bitbucket"},
		{registered + "-more", "bitbucket"},
		{registered + "?x=1", "github bitbucket"},
		{registered + "/../x", ""},
		{"https://auth.example.org/other", ""},
		{"https://auth.example.org:444/callback", ""},
		{"http://auth.example.org/callback", ""},
		{"https://auth.example.org.evil.example/callback", ""},
		{"https://u@auth.example.org/callback", ""},
		{"", ""},
	}
	for _, d := range dialects() {
		for _, tt := range tests {
			want := strings.Contains(tt.fits, d.Kind)
			if got := d.Matches(registered, tt.asked); got != want {
				t.Errorf("%s: %q is %v, want %v", d.Kind, tt.asked, got, want)
			}
		}
		free := d.Matches("http://127.0.0.1/callback", "http://127.0.0.1:1234/callback")
		if want := d.Kind == KindGitHub || d.Kind == KindGitea; free != want {
			t.Errorf("%s: any port on loopback is %v, want %v", d.Kind, free, want)
		}
	}
}

// browser keeps cookies and does not leave the host.
func browser(t *testing.T) *http.Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(r.URL.Path, "/callback") {
			return http.ErrUseLastResponse
		}
		return nil
	}}
}

func visit(t *testing.T, c *http.Client, target string, form url.Values) (body string, to *url.URL) {
	t.Helper()
	res, err := func() (*http.Response, error) {
		if form == nil {
			return c.Get(target)
		}
		return c.PostForm(target, form)
	}()
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	data, _ := io.ReadAll(res.Body)
	to, err = res.Location()
	if err != nil {
		to = &url.URL{}
	}
	return string(data), to
}

func TestPages(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *host) {
		c, start := browser(t), h.authorizeURL()
		state := `a state {"with":"quotes & more"}+%`
		body, _ := visit(t, c, start, nil)
		if !strings.Contains(body, "Practice host.") || !strings.Contains(body, "Ann Lee") {
			t.Fatalf("sign-in page: %s", body)
		}
		body, _ = visit(t, c, start, url.Values{"person": {"ann"}})
		if !strings.Contains(body, "Gatehouse wants to use your account") || !strings.Contains(body, "127.0.0.1:9999") {
			t.Fatalf("consent page: %s", body)
		}
		_, to := visit(t, c, start, url.Values{"decision": {"cancel"}})
		if q := to.Query(); q.Get("error") != "access_denied" || q.Get("state") != state || q.Has("code") {
			t.Errorf("cancelled: %s", to)
		}
		_, to = visit(t, c, start, url.Values{"decision": {"allow"}})
		if q := to.Query(); q.Get("code") == "" || q.Get("state") != state || !strings.HasPrefix(to.String(), callback) {
			t.Errorf("allowed: %s", to)
		}
		if _, to = visit(t, c, start, nil); to.Query().Get("code") == "" {
			t.Errorf("the same scopes again: %s", to)
		}
		if body, _ = visit(t, c, h.authorizeURL("prompt", "select_account"), nil); !strings.Contains(body, "Who do you want to be?") {
			t.Errorf("select_account: %s", body)
		}
		if _, to = visit(t, c, h.authorizeURL("scope", "api more"), nil); (to.Query().Get("code") == "") != !h.AppScopes {
			t.Errorf("more scopes: %s", to)
		}
	})
}

func TestAuthorizeRequestsThatAreRefused(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *host) {
		c := browser(t)
		if body, to := visit(t, c, h.authorizeURL("client_id", "nobody"), nil); to.Host != "" || !strings.Contains(body, "No app is registered") {
			t.Errorf("unknown client: %s %s", to, body)
		}
		body, to := visit(t, c, h.authorizeURL("redirect_uri", "http://evil.example/x"), nil)
		if h.ErrorsReturn {
			if to.Query().Get("error") != "redirect_uri_mismatch" || to.Host != "127.0.0.1:9999" {
				t.Errorf("wrong redirect: %s", to)
			}
		} else if to.Host != "" || !strings.Contains(body, "redirect_uri") {
			t.Errorf("wrong redirect: %s %s", to, body)
		}
		if h.PKCE {
			_, to = visit(t, c, h.authorizeURL("client_id", "public", "code_challenge", ""), nil)
			if to.Query().Get("error") != "invalid_request" {
				t.Errorf("public without PKCE: %s", to)
			}
		}
	})
}

func TestAPublicAppIsAskedAboutEachTime(t *testing.T) {
	t.Parallel()
	h := start(t, Gitea())
	c, start := browser(t), h.authorizeURL("client_id", "public")
	visit(t, c, start, url.Values{"person": {"ann"}})
	if _, to := visit(t, c, start, url.Values{"decision": {"allow"}}); to.Query().Get("code") == "" {
		t.Fatal("not allowed")
	}
	if body, _ := visit(t, c, start, nil); !strings.Contains(body, "wants to use your account") {
		t.Errorf("second time: %s", body)
	}
}

func TestAFormOfAnotherOriginDecidesNothing(t *testing.T) {
	t.Parallel()
	h := start(t, GitHub())
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, h.authorizeURL(), strings.NewReader("person=ann"))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Sec-Fetch-Site", "cross-site")
	if a := h.send(req); a.status != http.StatusForbidden {
		t.Errorf("%d", a.status)
	}
}
