package gotrue

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"gatehouse/internal/identity"
)

// The links of a list have the prefix that the client sees, and our mux does not.
func TestLinksHaveTheWholePath(t *testing.T) {
	q := httptest.NewRequest(http.MethodGet, "/s/blog"+Prefix+"/admin/users?per_page=1&filter=a%22%3E%3Bb", nil)
	q.URL.Path = Prefix + "/admin/users"
	w := httptest.NewRecorder()
	paginate(w, q, identity.Page{Page: 1, Per: 1}, 2)
	const where = "</s/blog" + Prefix + "/admin/users?filter=a%22%3E%3Bb&page=2&per_page=1>"
	if got, want := w.Header().Get("Link"), where+`; rel="next", `+where+`; rel="last"`; got != want {
		t.Errorf("Link is %s\nwant    %s", got, want)
	}
}

func FuzzPage(f *testing.F) {
	f.Add("page=2&per_page=10&sort=created_at+asc&filter=x")
	f.Add("page=-1")
	f.Add("per_page=99999999999999999999&sort=email+%00")
	f.Fuzz(func(t *testing.T, query string) {
		q := &http.Request{URL: &url.URL{Path: "/x", RawQuery: query}, RequestURI: "/x"}
		p, err := pageOf(q)
		if err != nil {
			return
		}
		if p.Page < 1 || p.Per < 1 || p.Per > maxPerPage {
			t.Fatalf("page is %+v", p)
		}
		w := httptest.NewRecorder()
		paginate(w, q, p, 1234)
		if link := w.Header().Get("Link"); strings.ContainsAny(link, "\r\n") || strings.Count(link, "<") > 2 {
			t.Fatalf("Link is %q", link)
		}
	})
}

func FuzzRolesChange(f *testing.F) {
	f.Add(`{"roles":["admin"]}`)
	f.Add(`{"roles":null,"provider":"email"}`)
	f.Add(`{"roles":[1]}`)
	f.Add(`[]`)
	f.Fuzz(func(t *testing.T, text string) {
		var c rolesChange
		if json.Unmarshal([]byte(text), &c) == nil && c.set && c.roles == nil {
			t.Fatalf("%s takes roles away that are not said", text)
		}
	})
}
