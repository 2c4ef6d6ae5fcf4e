package broker

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// browser keeps cookies, as a profile of a browser does.
type browser struct {
	w       *world
	address string
	mu      sync.Mutex
	cookies map[string]string
}

func (w *world) browser() *browser {
	return &browser{w: w, address: "192.0.2.1", cookies: map[string]string{}}
}

// send sends a request as this browser. A target without a scheme is ours.
func (b *browser) send(r *http.Request) *http.Response {
	b.w.t.Helper()
	if r.RemoteAddr == "192.0.2.1:1234" {
		r.RemoteAddr = b.address + ":1234"
	}
	b.mu.Lock()
	for name, value := range b.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	b.mu.Unlock()
	rec := httptest.NewRecorder()
	b.w.handler.ServeHTTP(rec, r)
	res := rec.Result()
	b.mu.Lock()
	for _, c := range res.Cookies() {
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		} else {
			b.cookies[c.Name] = c.Value
		}
	}
	b.mu.Unlock()
	// Cookies are the one header that holds a secret, for the browser alone.
	shown := res.Header.Clone()
	shown.Del("Set-Cookie")
	_ = shown.Write(b.w.out)
	_, _ = b.w.out.Write(rec.Body.Bytes())
	return res
}

func (b *browser) get(target string, header ...string) *http.Response {
	b.w.t.Helper()
	return b.send(request(http.MethodGet, target, "", header...))
}

func request(method, target, body string, header ...string) *http.Request {
	if strings.HasPrefix(target, "/") {
		target = ours + target
	}
	var content io.Reader
	if body != "" {
		content = strings.NewReader(body)
	}
	r := httptest.NewRequest(method, target, content)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return r
}

// post sends what a script of our own pages sends.
func (b *browser) post(path string, ask map[string]any, header ...string) (int, map[string]any) {
	b.w.t.Helper()
	body, _ := json.Marshal(ask)
	r := request(http.MethodPost, path, string(body), append([]string{
		"Content-Type", "application/json", "Origin", ours, "Sec-Fetch-Site", "same-origin", "Sec-Fetch-Dest", "empty",
	}, header...)...)
	res := b.send(r)
	return res.StatusCode, decode(b.w.t, res)
}

func decode(t *testing.T, res *http.Response) map[string]any {
	t.Helper()
	var v map[string]any
	body := text(t, res)
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		t.Fatalf("%d: %q is no JSON: %v", res.StatusCode, body, err)
	}
	return v
}

func text(t *testing.T, res *http.Response) string {
	t.Helper()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// open opens the popup of a site, and gives the transaction.
func (b *browser) open(query string) string {
	b.w.t.Helper()
	res := b.get("/auth?"+query, "Sec-Fetch-Dest", "document")
	body := text(b.w.t, res)
	_, after, ok := strings.Cut(body, `data-tx="`)
	if res.StatusCode != http.StatusOK || !ok {
		b.w.t.Fatalf("the popup: %d %s", res.StatusCode, body)
	}
	tx, _, _ := strings.Cut(after, `"`)
	return tx
}

const www = "provider=github&site_id=www.example.com&scope=repo"

// begin opens the popup of www and says who opened it. It gives where the host
// signs people in.
func (b *browser) begin(query, origin string) (tx, next string) {
	b.w.t.Helper()
	tx = b.open(query)
	status, got := b.post("/auth/begin", map[string]any{"tx": tx, "origin": origin})
	next, _ = got["next"].(string)
	if status != http.StatusOK || next == "" {
		b.w.t.Fatalf("begin: %d %v", status, got)
	}
	return tx, next
}

// returned goes where the host sends people back to, without its origin.
func (b *browser) returned(callback string) *http.Response {
	b.w.t.Helper()
	return b.get(callback, "Sec-Fetch-Dest", "document", "Sec-Fetch-Site", "cross-site")
}

// signIn does it all, up to before the claim.
func (b *browser) signIn(query, origin string, h *host) (tx string) {
	b.w.t.Helper()
	tx, next := b.begin(query, origin)
	res := b.returned(h.approve(b.w.t, next))
	if res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != "/auth/result?tx="+tx {
		b.w.t.Fatalf("the callback: %d %v %s", res.StatusCode, res.Header, text(b.w.t, res))
	}
	return tx
}

func (b *browser) claim(tx string) (int, map[string]any) {
	b.w.t.Helper()
	return b.post("/auth/claim", map[string]any{"tx": tx})
}

// claimed is the message of a finished sign-in, taken apart.
func (b *browser) claimed(tx, origin string) (outcome string, content map[string]any) {
	b.w.t.Helper()
	status, got := b.claim(tx)
	message, _ := got["message"].(string)
	if status != http.StatusOK || got["origin"] != origin {
		b.w.t.Fatalf("claim: %d %v", status, got)
	}
	return read(b.w.t, message)
}

// token signs in and gives what the page gets.
func (b *browser) token(query, origin string, h *host) map[string]any {
	b.w.t.Helper()
	outcome, content := b.claimed(b.signIn(query, origin, h), origin)
	if outcome != "success" {
		b.w.t.Fatalf("%s: %v", outcome, content)
	}
	return content
}

func query(t *testing.T, address string) url.Values {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query()
}
