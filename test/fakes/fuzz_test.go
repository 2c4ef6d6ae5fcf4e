package fakes

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// Whatever comes to the token endpoint, it answers, and gives nothing away.
func FuzzTokenRequest(f *testing.F) {
	f.Add("application/json", `{"client_id":"app","code":1}`)
	f.Add("application/x-www-form-urlencoded", "client_id=app&client_secret=s3cret&grant_type=refresh_token")
	f.Add("multipart/form-data", "--x")
	f.Add("", "%zz=1&a=1&a=2")
	s := New(GitLab(), nil)
	s.AddApp(App{ID: "app", Secret: "s3cret", Redirects: []string{callback}})
	mux := http.NewServeMux()
	s.Mount(mux)
	f.Fuzz(func(t *testing.T, kind, body string) {
		r := httptest.NewRequest(http.MethodPost, s.TokenPath, strings.NewReader(body))
		r.Header["Content-Type"] = []string{kind}
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		if w.Code < 400 || strings.Contains(w.Body.String(), "access_token") {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	})
}

// Whatever is asked for, people are sent to no other host than a registered one.
func FuzzAuthorize(f *testing.F) {
	f.Add("client_id=app&redirect_uri=https%3A%2F%2Fauth.example.org%2Fcallback&state=x")
	f.Add("client_id=app&redirect_uri=https://auth.example.org/callback%2f..%2fx")
	f.Add("client_id=app&redirect_uri=//auth.example.org/callback")
	f.Add(`client_id=app&redirect_uri=https://auth.example.org\@evil.example/callback`)
	f.Fuzz(func(t *testing.T, query string) {
		for _, d := range dialects() {
			s := New(d, nil)
			s.AddPerson(Person{Login: "ann"})
			s.AddApp(App{ID: "app", Secret: "s3cret", Redirects: []string{"https://auth.example.org/callback"}})
			to := s.Approve("http://practice.example"+s.AuthorizePath+"?"+query, "ann")
			if to == "" {
				continue
			}
			u, err := url.Parse(to)
			if err != nil || u.Scheme != "https" || u.Host != "auth.example.org" || u.User != nil || !strings.HasPrefix(u.Path, "/callback") {
				t.Errorf("%s: %q leads to %q", d.Kind, query, to)
			}
		}
	})
}
