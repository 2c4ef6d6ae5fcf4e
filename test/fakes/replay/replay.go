// Package replay holds a practice host against recordings of the real one: it
// sends what a content manager sent, and compares what comes back in status, in
// shape, and in the fields that the content managers read.
//
// Ids that a host makes up differ from run to run. Commits, and the numbers of
// merge and pull requests, are therefore learned from the answers as they come,
// and put in place of the recorded ones in what is sent later.
package replay

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Exchange is one recorded request and its answer.
type Exchange struct {
	Method   string            `json:"method"`
	URL      string            `json:"url"` // path and query; the query's values are not encoded
	Body     string            `json:"body"`
	Status   int               `json:"status"`
	Headers  map[string]string `json:"headers"`
	Response Content           `json:"response"`
}

// Content is the body of an answer. What is not text was recorded as an
// object, and is empty here.
type Content string

// UnmarshalJSON takes a string as it is, and all else for nothing.
func (c *Content) UnmarshalJSON(data []byte) error {
	var text any
	err := json.Unmarshal(data, &text)
	s, _ := text.(string)
	*c = Content(s)
	return err
}

// Path is the URL without its query.
func (e Exchange) Path() string {
	path, _, _ := strings.Cut(e.URL, "?")
	return path
}

// Load reads the recordings whose name begins with prefix, by name. The test is
// skipped where there are none: GATEHOUSE_SHARED names the directory above
// them, which is usually ../shared beside the repository.
func Load(t *testing.T, root, prefix string) map[string][]Exchange {
	t.Helper()
	shared := os.Getenv("GATEHOUSE_SHARED")
	if shared == "" {
		shared = filepath.Join(root, "..", "shared")
	}
	files, err := filepath.Glob(filepath.Join(shared, "recordings", prefix+"*.json"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Skipf("no recordings in %s: set GATEHOUSE_SHARED to the directory that has them", shared)
	}
	all := map[string][]Exchange{}
	for _, file := range files {
		data, err := os.ReadFile(file) //nolint:gosec // the directory of recordings is the tester's choice
		if err != nil {
			t.Fatal(err)
		}
		var list []Exchange
		if err := json.Unmarshal(data, &list); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all[strings.TrimSuffix(strings.TrimPrefix(filepath.Base(file), prefix), ".json")] = list
	}
	return all
}

// Rule says what clients read of the answers to some requests.
type Rule struct {
	Method string
	Path   *regexp.Regexp
	// Reads are fields as "a.b"; in a list each element has to have them.
	Reads []string
}

// Player sends recordings to a host.
type Player struct {
	URL   string // of the host
	Token string // for Authorization: Bearer
	Rules []Rule
	// Differs explains an answer that is meant to have another status, in a
	// few words; empty: it is not meant to.
	Differs func(e Exchange, status int) string
	// Numbered are the paths before a number that the host makes up, such as
	// "merge_requests/"; Number is the field of an answer that has it.
	Numbered, Number string
	// AnyLength matches the lists whose length says nothing, as ".a[].b"; nil:
	// none.
	AnyLength *regexp.Regexp

	learned map[string]string
	history map[string][]Content // what was recorded for each request so far
	stale   bool                 // of the exchange at hand
}

var commitID = regexp.MustCompile(`^[0-9a-f]{12}$|^[0-9a-f]{40}$`)

// Play sends one recording, from its beginning to its end.
func (p *Player) Play(t *testing.T, list []Exchange) {
	t.Helper()
	p.learned, p.history = map[string]string{}, map[string][]Content{}
	for _, e := range list {
		key := e.Method + " " + e.URL
		p.stale = stale(p.history[key], e.Response)
		p.history[key] = append(p.history[key], e.Response)
		p.one(t, e)
	}
}

// stale reports whether an answer was there before and another one since:
// requests that were sent at the same time were not recorded in their order, so
// that how long its lists are says nothing.
func stale(before []Content, now Content) bool {
	n := len(before)
	return n > 1 && before[n-1] != now && slices.Contains(before, now)
}

func (p *Player) one(t *testing.T, e Exchange) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), e.Method, p.URL+encode(p.translate(e.URL)), strings.NewReader(p.translate(e.Body)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+p.Token)
	if kind := contentType(e.Body); kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	where := e.Method + " " + e.URL
	if res.StatusCode != e.Status {
		if p.Differs == nil || p.Differs(e, res.StatusCode) == "" {
			t.Errorf("%s: %d, recorded %d\n%.300s", where, res.StatusCode, e.Status, body)
		}
		return
	}
	p.headers(t, where, e, res.Header)
	if !strings.Contains(res.Header.Get("Content-Type"), "json") {
		return
	}
	var got, want any
	if json.Unmarshal(body, &got) != nil || json.Unmarshal([]byte(e.Response), &want) != nil {
		return
	}
	p.compare(t, where, "", got, want)
	if o, ok := got.(map[string]any); ok && e.Method == http.MethodPost {
		p.number(e, o, want)
	}
	if res.StatusCode < http.StatusMultipleChoices {
		p.check(t, e, got)
	}
}

// headers looks at what a page of another origin may read.
func (p *Player) headers(t *testing.T, where string, e Exchange, got http.Header) {
	t.Helper()
	if got.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("%s: other origins may not read it", where)
	}
	exposed := strings.ToLower(got.Get("Access-Control-Expose-Headers"))
	for name := range strings.SplitSeq(e.Headers["Access-Control-Expose-Headers"], ",") {
		name = strings.ToLower(strings.TrimSpace(name))
		if name != "" && !strings.Contains(exposed, name) {
			t.Errorf("%s: %s is not exposed", where, name)
		}
	}
}

// compare holds the shapes against each other, and learns ids on the way. What
// only one of them has does not matter here.
func (p *Player) compare(t *testing.T, where, at string, got, want any) {
	t.Helper()
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			break
		}
		for name, value := range w {
			if mine, ok := g[name]; ok {
				p.compare(t, where, at+"."+name, mine, value)
			}
		}
		return
	case []any:
		g, ok := got.([]any)
		if !ok {
			break
		}
		if len(g) != len(w) && !p.stale && (p.AnyLength == nil || !p.AnyLength.MatchString(at)) {
			t.Errorf("%s: %s has %d elements, recorded %d", where, at, len(g), len(w))
		}
		for i := range min(len(g), len(w)) {
			p.compare(t, where, at+"[]", g[i], w[i])
		}
		return
	case string:
		g, ok := got.(string)
		if ok && commitID.MatchString(w) && len(g) == len(w) && g != w {
			p.learned[w] = g
		}
		if ok {
			return
		}
	case float64:
		if _, ok := got.(float64); ok {
			return
		}
	case bool:
		if _, ok := got.(bool); ok {
			return
		}
	}
	if got != nil && want != nil {
		t.Errorf("%s: %s is %T, recorded %T", where, at, got, want)
	}
}

// number learns which number a new merge or pull request has.
func (p *Player) number(e Exchange, got map[string]any, want any) {
	w, ok := want.(map[string]any)
	if !ok || !strings.HasSuffix(e.Path(), strings.TrimSuffix(p.Numbered, "/")) {
		return
	}
	theirs, ok1 := w[p.Number].(float64)
	mine, ok2 := got[p.Number].(float64)
	if ok1 && ok2 {
		p.learned[p.Numbered+strconv.Itoa(int(theirs))] = p.Numbered + strconv.Itoa(int(mine))
	}
}

// translate puts what was learned in place of what was recorded.
func (p *Player) translate(text string) string {
	pairs := []string{}
	// The longest first: a short id is the beginning of a long one.
	for _, theirs := range slices.SortedFunc(maps.Keys(p.learned), func(a, b string) int { return len(b) - len(a) }) {
		pairs = append(pairs, theirs, p.learned[theirs])
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

func (p *Player) check(t *testing.T, e Exchange, got any) {
	t.Helper()
	for _, r := range p.Rules {
		if r.Method != e.Method || !r.Path.MatchString(e.Path()) {
			continue
		}
		for _, field := range r.Reads {
			if !has(got, strings.Split(field, ".")) {
				t.Errorf("%s %s: %s is missing, which clients read", e.Method, e.URL, field)
			}
		}
	}
}

// has reports whether a value has a field, all elements of a list included.
func has(v any, field []string) bool {
	if list, ok := v.([]any); ok {
		return !slices.ContainsFunc(list, func(e any) bool { return !has(e, field) })
	}
	if len(field) == 0 {
		return v != nil
	}
	o, ok := v.(map[string]any)
	return ok && has(o[field[0]], field[1:])
}

// encode makes a URL of a recorded one.
func encode(recorded string) string {
	path, query, ok := strings.Cut(recorded, "?")
	if !ok {
		return path
	}
	var parts []string
	for pair := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(pair, "=")
		parts = append(parts, url.QueryEscape(name)+"="+url.QueryEscape(value))
	}
	return path + "?" + strings.Join(parts, "&")
}

func contentType(body string) string {
	if first, _, ok := strings.Cut(body, "\r\n"); ok && strings.HasPrefix(first, "--") {
		return "multipart/form-data; boundary=" + first[2:]
	}
	if body != "" {
		return "application/json; charset=utf-8"
	}
	return ""
}
