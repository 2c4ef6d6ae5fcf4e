package gitlab

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"gatehouse/internal/git"
	"gatehouse/test/fakes"
	"gatehouse/test/fakes/bare"
	"gatehouse/test/fakes/replay"
)

var rawFile = regexp.MustCompile(`/repository/files/([^/]+)/raw$`)

// seed is what the recorded repository had: the files that were read before
// anything was written.
func seed(list []replay.Exchange) map[string][]byte {
	files := map[string][]byte{"README.md": []byte("# Practice\n")}
	for _, e := range list {
		if e.Method == http.MethodPost {
			break
		}
		if m := rawFile.FindStringSubmatch(e.Path()); m != nil && e.Status == http.StatusOK {
			path, _ := url.PathUnescape(m[1])
			files[path] = []byte(e.Response)
		}
	}
	return files
}

func rules() []replay.Rule {
	at := func(text string) *regexp.Regexp { return regexp.MustCompile(text) }
	request := []string{"iid", "source_branch", "labels", "sha", "updated_at", "author.name", "title", "id", "web_url", "created_at"}
	return []replay.Rule{
		{Method: "GET", Path: at(`/user$`), Reads: []string{"id", "name", "username", "email"}},
		{Method: "GET", Path: at(`/projects/[^/]+$`), Reads: []string{"permissions.project_access.access_level", "shared_with_groups", "default_branch"}},
		{Method: "GET", Path: at(`/repository/tree$`), Reads: []string{"id", "name", "type", "path", "mode"}},
		{Method: "GET", Path: at(`/repository/commits$`), Reads: []string{"id", "author_name", "author_email", "authored_date", "committed_date"}},
		{Method: "POST", Path: at(`/repository/commits$`), Reads: []string{"id", "committed_date", "parent_ids", "stats"}},
		{Method: "GET", Path: at(`/compare$`), Reads: []string{
			"diffs", "diffs.old_path", "diffs.new_path", "diffs.new_file", "diffs.renamed_file", "diffs.deleted_file", "diffs.diff",
		}},
		{Method: "GET", Path: at(`/merge_requests$`), Reads: request},
		{Method: "POST", Path: at(`/merge_requests$`), Reads: request},
		{Method: "PUT", Path: at(`/merge_requests/\d+`), Reads: request},
	}
}

// differs knows where today's GitLab is not the recorded one.
func differs(e replay.Exchange, status int) string {
	if strings.HasSuffix(e.Path(), "/tree") && e.Status == http.StatusOK && e.Response == "[]" && status == http.StatusNotFound {
		return "a folder that is not there was an empty one in 2020"
	}
	return ""
}

func TestRecordings(t *testing.T) {
	t.Parallel()
	for name, list := range replay.Load(t, "../../..", "gitlab-backend-") {
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
			token, _ := s.OAuth.Issue("app", "owner", []string{"api"}, nil)
			srv := httptest.NewServer(s)
			t.Cleanup(srv.Close)
			p := &replay.Player{
				URL: srv.URL, Token: token.Value, Rules: rules(), Differs: differs,
				Numbered: "merge_requests/", Number: "iid",
			}
			p.Play(t, list)
		})
	}
}
