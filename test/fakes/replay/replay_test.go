package replay

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestHas(t *testing.T) {
	t.Parallel()
	var v any
	if err := json.Unmarshal([]byte(`{"a":[{"b":1},{"b":null}],"c":{"d":[]},"e":[{"f":"x"}]}`), &v); err != nil {
		t.Fatal(err)
	}
	for field, want := range map[string]bool{"a": true, "a.b": false, "c.d": true, "c.d.x": true, "e.f": true, "z": false} {
		if got := has(v, strings.Split(field, ".")); got != want {
			t.Errorf("%s: %v", field, got)
		}
	}
}

func TestTranslate(t *testing.T) {
	t.Parallel()
	p := &Player{learned: map[string]string{"abc": "def", "pulls/3": "pulls/1"}}
	if got := p.translate("/x/pulls/3?sha=abc"); got != "/x/pulls/1?sha=def" {
		t.Errorf("%s", got)
	}
}

func TestEncode(t *testing.T) {
	t.Parallel()
	if got := encode(`/a%2Fb?q=x = "y" AND z&n=1`); got != "/a%2Fb?q=x+%3D+%22y%22+AND+z&n=1" {
		t.Errorf("%s", got)
	}
}
