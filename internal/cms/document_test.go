package cms

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gatehouse/internal/fault"
)

func read(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func parse(t testing.TB, text string) *Config {
	t.Helper()
	c, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// The golden files are what the bundles themselves made of the same config.yml:
// the applied defaults of netlify-cms 2.10.192 and decap-cms 3.16.3.
func TestDocumentIsWhatTheBundleWouldHaveMade(t *testing.T) {
	for _, name := range []string{"small", "full"} {
		for _, generation := range []string{Generation2, Generation3} {
			t.Run(name+"."+generation, func(t *testing.T) {
				doc, err := parse(t, string(read(t, name+".yml"))).Document(generation)
				if err != nil {
					t.Fatal(err)
				}
				encoded, err := json.Marshal(doc)
				if err != nil {
					t.Fatal(err)
				}
				var got, want any
				if err := json.Unmarshal(encoded, &got); err != nil {
					t.Fatal(err)
				}
				if err := json.Unmarshal(read(t, name+"."+generation+".json"), &want); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("differs from the bundle (-bundle +ours):\n%s", diff)
				}
			})
		}
	}
}

func TestDocumentKeepsTheOrderOfKeys(t *testing.T) {
	c := parse(t, minimal+"    custom: {zebra: 1, apple: 2, mango: {z: 1, a: 2}}\n")
	doc, err := c.Document(Generation3)
	if err != nil {
		t.Fatal(err)
	}
	encoded, _ := json.Marshal(doc["collections"])
	if want := `{"zebra":1,"apple":2,"mango":{"z":1,"a":2}}`; !strings.Contains(string(encoded), want) {
		t.Errorf("%s\nis without\n%s", encoded, want)
	}
}

func TestDocumentDoesNotChangeTheConfig(t *testing.T) {
	c := parse(t, string(read(t, "full.yml")))
	first, err := c.Document(Generation2)
	if err != nil {
		t.Fatal(err)
	}
	first["backend"].(map[string]any)["name"] = "changed"
	second, err := c.Document(Generation2)
	if err != nil {
		t.Fatal(err)
	}
	if name := second["backend"].(map[string]any)["name"]; name != "git-gateway" {
		t.Errorf("the second document has the first one's changes: %v", name)
	}
}

func TestDocumentRefusesWhatTheBundleRefuses(t *testing.T) {
	c := parse(t, `media_folder: m
i18n: {structure: multiple_files, locales: [en, de]}
collections:
  - name: settings
    i18n: true
    files: [{name: a, label: A, file: a.yml, i18n: true, fields: [{name: x}]}]
`)
	if _, err := c.Document(Generation3); !fault.Is(err, fault.Invalid) || !strings.Contains(fault.Message(err), "single_file") {
		t.Errorf("got %v", err)
	}
	if _, err := c.Document("4"); !fault.Is(err, fault.Invalid) {
		t.Errorf("an unknown generation: got %v", err)
	}
}

const minimal = `backend: {name: git-gateway}
media_folder: static/uploads
public_folder: /uploads
collections:
  - name: posts
    label: Posts
    label_singular: Post
    folder: content/posts
    create: true
    fields: [{name: title}, {name: date, widget: datetime}, {name: body, widget: markdown}]
`
