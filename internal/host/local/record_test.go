package local

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const sample = `{"number":3,"state":"open","status":"draft","label":"decap-cms/draft","labels":["urgent"],"title":"Create Post “a”","body":"x","head":"cms/posts/a","base":"main","author":{"name":"Ada","email":"ada@example.org"},"created":"2026-11-22T12:04:00Z","updated":"2026-11-22T12:05:00.5Z"}`

// FuzzParse: what reads as a change request is safe to rely on, and writing it
// again gives the same.
func FuzzParse(f *testing.F) {
	for _, s := range []string{sample, `{}`, `[]`, `null`, `{"number":3}`, `{"number":3,"state":"open","head":"a","base":"b"}`, `{"number":1e99}`, `{"created":"x"}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		_ = claimed(data)
		r, err := parse(3, true, data)
		if err != nil {
			return
		}
		if r.Number != 3 || r.Head == "" || r.Base == "" || r.ref() != "refs/gatehouse/requests/3" {
			t.Fatalf("accepted %+v", r)
		}
		again, err := r.render()
		if err != nil {
			return // grew over the limit
		}
		r2, err := parse(3, true, again)
		if err != nil {
			t.Fatalf("%s does not parse again: %v", again, err)
		}
		if diff := cmp.Diff(r, r2, cmpopts.EquateEmpty()); diff != "" {
			t.Fatal(diff)
		}
	})
}

// FuzzNumbered: a ref name is read in one way only.
func FuzzNumbered(f *testing.F) {
	for _, s := range []string{"refs/gatehouse/requests/1", "refs/gatehouse/closed/12", "refs/gatehouse/requests/01", "refs/gatehouse/requests/", "refs/heads/main", "refs/gatehouse/requests/+1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		n, isOpen, ok := numbered(name)
		if !ok {
			return
		}
		r := record{Number: n, State: "closed"}
		if isOpen {
			r.State = "open"
		}
		if r.ref() != name {
			t.Fatalf("%q reads as %d, which is %q", name, n, r.ref())
		}
	})
}

func TestParseKeepsEverything(t *testing.T) {
	r, err := parse(3, true, []byte(sample))
	if err != nil {
		t.Fatal(err)
	}
	data, err := r.render()
	if err != nil {
		t.Fatal(err)
	}
	again, err := parse(3, true, data)
	if diff := cmp.Diff(r, again); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	if _, err := parse(3, false, []byte(sample)); err == nil {
		t.Error("an open request among the closed ones was accepted")
	}
}
