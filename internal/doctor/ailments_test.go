package doctor

import (
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
)

// withConfig replaces texts in config.yml.
func withConfig(pairs ...string) func(*rig) {
	return func(r *rig) { r.config = edited(r.t, pairs...) }
}

// onBitbucket is a healthy site at Bitbucket, with texts replaced.
func onBitbucket(pairs ...string) func(*rig) {
	return func(r *rig) {
		r.site.Backend.Kind = "bitbucket"
		r.config = "base_url: https://auth.example.com\nsite_id: www.example.com\n" + edited(r.t, "github", "bitbucket")
		for i := 0; i < len(pairs); i += 2 {
			r.config = strings.Replace(r.config, pairs[i], pairs[i+1], 1)
		}
	}
}

// loading is a page with another script.
func loading(src string) func(*rig) {
	return func(r *rig) {
		r.html = goodPage
		loadingIn(r, src)
	}
}

func loadingIn(r *rig, src string) {
	r.html = strings.Replace(r.html, "https://unpkg.com/decap-cms@3.16.3/dist/decap-cms.js", src, 1)
}

// sending is a page with a header.
func sending(name, value string) func(*rig) {
	return func(r *rig) { r.pageHeader.Set(name, value) }
}

// pasteHeader sends the header that was printed.
func pasteHeader(r *rig, f *Finding) {
	name, value, _ := strings.Cut(f.Paste, ": ")
	r.pageHeader.Set(name, value)
}

// behind puts a proxy in front of the broker.
func behind(change func(w http.ResponseWriter, q *http.Request, next http.Handler)) func(*rig) {
	return func(r *rig) {
		r.proxy = func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) { change(w, q, next) })
		}
	}
}

// behindChanged is behind a proxy that changes headers of answers.
func behindChanged(change func(q *http.Request, h http.Header)) func(*rig) {
	return behind(func(w http.ResponseWriter, q *http.Request, next http.Handler) {
		next.ServeHTTP(&changed{ResponseWriter: w, change: func(h http.Header) { change(q, h) }}, q)
	})
}

// onPopup changes headers of the popup's page alone.
func onPopup(change func(h http.Header)) func(*rig) {
	return behindChanged(func(q *http.Request, h http.Header) {
		if q.URL.Path == "/auth" {
			change(h)
		}
	})
}

// tellingNext is a broker that is set up in another way: it sends people
// elsewhere.
func tellingNext(old, other string) func(*rig) {
	return behind(func(w http.ResponseWriter, q *http.Request, next http.Handler) {
		kept := httptest.NewRecorder()
		next.ServeHTTP(kept, q)
		maps.Copy(w.Header(), kept.Header())
		w.Header().Del("Content-Length")
		w.WriteHeader(kept.Code)
		body := kept.Body.String()
		if q.Method == http.MethodPost {
			body = strings.ReplaceAll(body, old, other)
		}
		_, _ = io.WriteString(w, body)
	})
}

// straight takes the proxy away.
func straight(r *rig, _ *Finding) {
	r.proxy = func(h http.Handler) http.Handler { return h }
}

// changed changes headers before they go out.
type changed struct {
	http.ResponseWriter
	change func(http.Header)
	done   bool
}

func (c *changed) WriteHeader(status int) {
	if !c.done {
		c.done = true
		c.change(c.Header())
	}
	c.ResponseWriter.WriteHeader(status)
}

func (c *changed) Write(b []byte) (int, error) {
	if !c.done {
		c.WriteHeader(http.StatusOK)
	}
	return c.ResponseWriter.Write(b)
}
