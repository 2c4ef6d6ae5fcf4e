package broker

import (
	"bytes"
	"compress/gzip"
	"context"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gatehouse/internal/auth"
)

// says answers always the same.
func says(status int, kind, body string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
		return true
	}
}

func TestN48OddTokenAnswers(t *testing.T) {
	var followed atomic.Int32
	trap := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { followed.Add(1) })
	for name, odd := range map[string]func(http.ResponseWriter, *http.Request) bool{
		"500":                says(500, "text/html", "<h1>Oops</h1>"),
		"no JSON":            says(200, "application/json", "{"),
		"a list":             says(200, "application/json", "[]"),
		"nothing":            says(200, "application/json", ""),
		"no token":           says(200, "application/json", `{"token_type":"bearer"}`),
		"an empty token":     says(200, "application/json", `{"access_token":""}`),
		"a number":           says(200, "application/json", `{"access_token":42}`),
		"control characters": says(200, "application/json", `{"access_token":"a\r\nb"}`),
		"ten megabytes":      says(200, "application/json", `{"access_token":"a","x":"`+strings.Repeat("x", 10<<20)+`"}`),
		"a page":             says(200, "text/html", "<html>Sign in</html>"),
		"a bomb":             bomb(t),
		"a hang-up":          hangUp,
		"a redirect to a trap": func(w http.ResponseWriter, r *http.Request) bool {
			http.Redirect(w, r, "/trap", http.StatusFound)
			return true
		},
		"a redirect to 169.254": func(w http.ResponseWriter, r *http.Request) bool {
			http.Redirect(w, r, "http://169.254.169.254/", http.StatusFound)
			return true
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.host.Config.Handler.(*http.ServeMux).Handle("/trap", trap)
			w.host.change(func(h *host) { h.odd = odd })
			_, content := w.failed(w.allow)
			if content["errorCode"] != "UPSTREAM" {
				t.Errorf("%v", content)
			}
			if n := w.host.asked(); n != 1 {
				t.Errorf("%d token requests", n)
			}
		})
	}
	if followed.Load() != 0 {
		t.Error("a redirect was followed")
	}
}

// A host that takes its time is given up, the person told, and what it gave by
// then taken back.
func TestN48HostWithoutEnd(t *testing.T) {
	never := func(_ http.ResponseWriter, r *http.Request) bool {
		<-r.Context().Done()
		return true
	}
	for name, tt := range map[string]struct {
		slow   func(*host)
		tokens int // that the host gave
	}{
		"no token":   {func(h *host) { h.odd = never }, 0},
		"no account": {func(h *host) { h.api = never }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.Patience = 200 * time.Millisecond
			w.host.change(tt.slow)
			page, content := w.failed(w.allow)
			if content["errorCode"] != "UPSTREAM" || !strings.Contains(w.log.String(), "took too long") {
				t.Errorf("%s: %v", page, content)
			}
			if len(w.host.tokens) != tt.tokens || w.host.alive() != 0 {
				t.Errorf("%d tokens, %d of them good", len(w.host.tokens), w.host.alive())
			}
		})
	}
}

// The person closes the window while the host is asked. What it gives is kept for
// as long as somebody may come to collect it, and then taken back.
func TestN27WindowClosedDuringTheExchange(t *testing.T) {
	w := newWorld(t, func(w *world) { w.host.expiring = true })
	b := w.browser()
	_, next := b.begin(www, shop)
	ctx, leave := context.WithCancel(t.Context())
	w.host.change(func(h *host) {
		h.odd = func(http.ResponseWriter, *http.Request) bool {
			leave()
			return false
		}
	})
	b.send(request(http.MethodGet, w.allow(next), "").WithContext(ctx))
	if w.host.alive() != 1 {
		t.Fatalf("%d tokens", w.host.alive())
	}
	w.pass(auth.OutcomeLife + time.Second)
	if err := w.Sweep(t.Context()); err != nil || w.host.alive() != 0 {
		t.Errorf("%d tokens are good still, %v", w.host.alive(), err)
	}
	if families, err := w.Handles.Families(t.Context(), 10); err != nil || len(families) != 0 {
		t.Errorf("and handles: %v %v", families, err)
	}
}

func bomb(t *testing.T) func(http.ResponseWriter, *http.Request) bool {
	t.Helper()
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write(bytes.Repeat([]byte(" "), 50<<20))
	_ = z.Close()
	return func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(packed.Bytes())
		return true
	}
}

func hangUp(w http.ResponseWriter, _ *http.Request) bool {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err == nil {
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		_ = conn.Close()
	}
	return true
}
