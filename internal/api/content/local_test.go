package content

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"gatehouse/internal/git"
	"gatehouse/internal/site"
)

func localMux(workflow bool) *http.ServeMux {
	mux := http.NewServeMux()
	l := &Local{
		Site: &site.Site{Name: "local", Title: "my-site"}, Workflow: workflow, Directory: "/home/ann/my-site",
		Author: func(context.Context) (git.Signature, error) {
			return git.Signature{Name: "Ann", Email: "ann@example.org"}, nil
		},
		Log: slog.New(slog.DiscardHandler),
	}
	l.Mount(mux)
	return mux
}

// Without a password, Host and Origin are what stands between the developer's
// files and any page that their browser opens.
func TestLocalAnswersThisMachineOnly(t *testing.T) {
	tests := []struct {
		name, host, origin string
		status             int
	}{
		{"no page", "localhost:8081", "", 200},
		{"same port", "localhost:8081", "http://localhost:8081", 200},
		{"another port", "localhost:8081", "http://localhost:1313", 200},
		{"by number", "127.0.0.1:8081", "http://127.0.0.1:4321", 200},
		{"by number, version 6", "[::1]:8081", "https://[::1]:4321", 200},
		{"capitals, no port", "LOCALHOST", "http://localhost", 200},
		{"foreign page", "localhost:8081", "https://evil.example", 403},
		{"sandboxed page", "localhost:8081", "null", 403},
		{"file on disk", "localhost:8081", "file://", 403},
		{"foreign page with our name in front", "localhost:8081", "http://localhost.evil.example", 403},
		{"foreign page with our name as user", "localhost:8081", "http://localhost@evil.example", 403},
		{"user on our name", "localhost:8081", "http://evil.example@localhost", 403},
		{"extension", "localhost:8081", "chrome-extension://localhost", 403},
		{"rebound name", "evil.example:8081", "http://evil.example:8081", 403},
		{"rebound name without Origin", "evil.example:8081", "", 403},
		{"name that looks like a number", "127.0.0.1.evil.example:8081", "", 403},
		{"the network's number", "192.168.1.5:8081", "", 403},
		{"name below localhost", "evil.localhost:8081", "", 403},
		{"any address", "0.0.0.0:8081", "", 403},
	}
	for _, tt := range tests {
		r := httptest.NewRequest(http.MethodPost, "http://x/api/v1", strings.NewReader(`{"action":"info"}`))
		r.Host = tt.host
		if tt.origin != "" {
			r.Header.Set("Origin", tt.origin)
		}
		w := httptest.NewRecorder()
		localMux(true).ServeHTTP(w, r)
		if w.Code != tt.status {
			t.Errorf("%s: %d %s, want %d", tt.name, w.Code, w.Body, tt.status)
		}
		allowed := w.Header().Get("Access-Control-Allow-Origin")
		if want := tt.status == 200 && tt.origin != ""; want != (allowed == tt.origin && allowed != "") {
			t.Errorf("%s: Access-Control-Allow-Origin is %q", tt.name, allowed)
		}
		if tt.status == 403 && !strings.Contains(w.Body.String(), `{"error":"This server`) {
			t.Errorf("%s: no reason is given: %s", tt.name, w.Body)
		}
	}
}

func TestLocalPreflight(t *testing.T) {
	r := httptest.NewRequest(http.MethodOptions, "http://localhost:8081/api/v1", nil)
	r.Header.Set("Origin", "http://localhost:1313")
	r.Header.Set("Access-Control-Request-Method", "POST")
	r.Header.Set("Access-Control-Request-Headers", "content-type")
	w := httptest.NewRecorder()
	localMux(true).ServeHTTP(w, r)
	if w.Code != 204 || w.Header().Get("Access-Control-Allow-Origin") != "http://localhost:1313" || !strings.Contains(w.Header().Get("Access-Control-Allow-Headers"), "Content-Type") {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}

func TestLocalInfo(t *testing.T) {
	for workflow, want := range map[bool]string{
		true:  `{"repo":"my-site","publish_modes":["simple","editorial_workflow"],"type":"local_git"}`,
		false: `{"repo":"my-site","publish_modes":["simple"],"type":"local_fs"}`,
	} {
		w := httptest.NewRecorder()
		localMux(workflow).ServeHTTP(w, httptest.NewRequest(http.MethodPost, "http://localhost:8081/api/v1", strings.NewReader(`{"action":"info","branch":"whatever"}`)))
		if got := strings.TrimSpace(w.Body.String()); w.Code != 200 || got != want {
			t.Errorf("%d %s, want %s", w.Code, got, want)
		}
	}
}

func TestLocalHint(t *testing.T) {
	w := httptest.NewRecorder()
	localMux(true).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://localhost:8081/", nil))
	if w.Code != 200 || !strings.Contains(w.Body.String(), "/home/ann/my-site") || !strings.Contains(w.Body.String(), "local_backend: true") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
