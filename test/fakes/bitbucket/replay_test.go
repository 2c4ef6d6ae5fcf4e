package bitbucket

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"gatehouse/internal/git"
	"gatehouse/test/fakes"
	"gatehouse/test/fakes/bare"
	"gatehouse/test/fakes/replay"
)

var sourceFile = regexp.MustCompile(`/src/[0-9a-f]{40}/(.+)$`)

// seed is what the recorded repository had: the files that were read before
// anything was written.
func seed(list []replay.Exchange) map[string][]byte {
	files := map[string][]byte{"README.md": []byte("# Practice\n")}
	for _, e := range list {
		if e.Method == http.MethodPost {
			break
		}
		m := sourceFile.FindStringSubmatch(e.URL)
		if m == nil || e.Status != http.StatusOK {
			continue
		}
		if !strings.Contains(m[1], "?") {
			files[m[1]] = []byte(e.Response)
			continue
		}
		var folder struct {
			Values []struct{ Path string }
		}
		if json.Unmarshal([]byte(e.Response), &folder) == nil {
			for _, v := range folder.Values {
				if files[v.Path] == nil {
					files[v.Path] = []byte("listed, but not read\n")
				}
			}
		}
	}
	return files
}

func rules() []replay.Rule {
	rule := func(method, path string, reads ...string) replay.Rule {
		return replay.Rule{Method: method, Path: regexp.MustCompile(path), Reads: reads}
	}
	return []replay.Rule{
		rule("GET", `/user$`, "display_name", "username", "nickname", "links.avatar.href"),
		rule("GET", `/repositories/[^/]+/[^/]+$`, "mainbranch.name", "full_name"),
		rule("GET", `/refs/branches/`, "name", "target.hash"),
		rule("GET", `/commits$`, "values.hash", "values.date", "values.author.raw"),
		rule("POST", `/pullrequests$`, "id"),
		rule("GET", `/pullrequests$`, "values.id", "values.source.branch.name", "values.updated_on", "values.author.display_name"),
		rule("GET", `/comments$`, "values.content.raw"),
		rule("GET", `/src/[0-9a-f]{40}/(content/posts|static/media)$`, "values.type", "values.path", "values.commit.hash", "pagelen", "page"),
	}
}

func TestRecordings(t *testing.T) {
	t.Parallel()
	for name, list := range replay.Load(t, "../../..", "bitbucket-backend-") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := New(t.TempDir(), nil)
			t.Cleanup(func() { _ = s.Close() })
			s.OAuth.AddPerson(fakes.Person{Login: "owner", Name: "Owner", Email: "owner@example.org"})
			s.OAuth.AddApp(fakes.App{ID: "app", Secret: "secret"})
			repo, err := s.Repos.Add(t.Context(), bare.Spec{
				Path: "owner/repo", Branch: "master", Files: seed(list), Author: git.Signature{Name: "Owner", Email: "owner@example.org"},
			})
			if err != nil {
				t.Fatal(err)
			}
			repo.Allow("owner", bare.Admin)
			token, _ := s.OAuth.Issue("app", "owner", []string{"account", "repository:write", "pullrequest:write"}, nil)
			srv := httptest.NewServer(s)
			t.Cleanup(srv.Close)
			p := &replay.Player{
				URL: srv.URL, Token: token.Value, Rules: rules(), Numbered: "pullrequests/", Number: "id",
				AnyLength: regexp.MustCompile(`\.(parents|attributes)$`),
			}
			p.Play(t, list)
		})
	}
}
