package github

import "testing"

// The parser neither panics nor runs away, and what it takes is a document.
func FuzzParseDocument(f *testing.F) {
	for _, text := range []string{
		`{ viewer { login } }`,
		`query q($a: String! = "x", $b: [Int!]) { f(a: $a, o: {k: [1, -2.5, true, null, ENUM]}) { ...F ... on T { x } ... { y } } } fragment F on T { z: x }`,
		`mutation($input: I!) { m(input: $input) { a } } # end`,
		`{a(b:"\"\u00e9")}`, `{`, `"`, `{a(b:$)}`, `query($`, `...`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := parseDocument(text)
		if err != nil {
			return
		}
		for _, op := range d.operations {
			if len(op.set) == 0 {
				t.Errorf("an operation that selects nothing: %q", text)
			}
		}
	})
}
