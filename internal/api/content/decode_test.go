package content

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"gatehouse/internal/fault"
)

func TestDecodeEnvelope(t *testing.T) {
	tests := []struct {
		body, action, branch, fails string
	}{
		{body: `{"branch":"main","action":"info","params":{}}`, action: "info", branch: "main"},
		{body: `{"action":"info"}`, action: "info"},
		{body: `{"action":"info","params":null,"later":[1]}`, action: "info"},
		{body: `{"action":"info","params":{"branch":"dev"}}`, action: "info", branch: "dev"},
		{body: `{"params":{"branch":"dev"},"branch":"main","action":"info"}`, action: "info", branch: "main"},
		{body: ``, fails: "not valid JSON"},
		{body: `{`, fails: "not valid JSON"},
		{body: `[]`, fails: "A JSON object is expected, not a JSON array."},
		{body: `{}`, fails: "names no action"},
		{body: `{"action":5}`, fails: `"action" must not be a JSON number.`},
		{body: `{"action":"info","params":[]}`, fails: "A JSON object is expected"},
		{body: `{"action":"info"} {}`, fails: "not valid JSON"},
		{body: "{\"action\":\"inf\xff\"}", fails: "not UTF-8"},
	}
	for _, tt := range tests {
		r, err := decode([]byte(tt.body))
		if tt.fails != "" {
			if !fault.Is(err, fault.Invalid) || !strings.Contains(fault.Message(err), tt.fails) {
				t.Errorf("%s: %v, want a fault with %q", tt.body, err, tt.fails)
			}
			continue
		}
		if err != nil || r.Action != tt.action || r.branch() != tt.branch {
			t.Errorf("%s: %q on %q, %v", tt.body, r.Action, r.branch(), err)
		}
	}
}

func TestBase64(t *testing.T) {
	tests := []struct{ json, want, fails string }{
		{json: `"aGk="`, want: "hi"},
		{json: `""`, want: ""},
		{json: `"aG\u006b="`, want: "hi"},
		{json: `"\/\/\/\/"`, want: "\xff\xff\xff"},
		{json: `"aGk"`, fails: "not valid base64"},
		{json: `"data:image/png;base64,aGk="`, fails: "not valid base64"},
		{json: `7`, fails: "must be a base64 string"},
		{json: `{}`, fails: "must be a base64 string"},
		{json: `null`, fails: "must be a base64 string"},
	}
	for _, tt := range tests {
		var b base64Data
		err := unmarshal([]byte(tt.json), &b)
		if tt.fails != "" {
			if !fault.Is(err, fault.Invalid) || !strings.Contains(fault.Message(err), tt.fails) {
				t.Errorf("%s: %v, want %q", tt.json, err, tt.fails)
			}
			continue
		}
		if err != nil || string(b) != tt.want {
			t.Errorf("%s: %q, %v", tt.json, b, err)
		}
	}
}

func TestShortenKeepsRunesWhole(t *testing.T) {
	got := shorten(strings.Repeat("ö", 79))
	if want := strings.Repeat("ö", 40) + "…"; got != want {
		t.Errorf("%q", got)
	}
}

// FuzzDecode sends anything through every decoder: none may panic, and what is
// accepted must be what its own check calls right.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		`{"branch":"main","action":"persistEntry","params":{"dataFiles":[{"path":"a.md","slug":"a","raw":"x","base":""}],"assets":[{"path":"a.png","content":"aGk=","encoding":"base64"}],"options":{"commitMessage":"m","useWorkflow":true,"collectionName":"posts","status":"draft"}}}`,
		`{"action":"persistEntry","params":{"entry":{"path":"a.md","slug":"a","raw":"x"},"options":{"commitMessage":"m"}}}`,
		`{"action":"entriesByFolder","params":{"folder":"a","extension":"md","depth":1}}`,
		`{"action":"unpublishedEntry","params":{"id":"posts/a/b"}}`,
		`{"action":"deleteFiles","params":{"paths":["a"],"options":{"commitMessage":"m"}}}`,
		`{"action":"persistMedia","params":{"asset":{"path":"a","content":"\u0061Gk=","encoding":"base64"},"options":{"commitMessage":"m"}}}`,
		`{"action":"getMedia","params":{"mediaFolder":null}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		req, err := decode(body)
		if err != nil {
			if !fault.Is(err, fault.Invalid) {
				t.Fatalf("the fault of a bad request is %v", fault.KindOf(err))
			}
			return
		}
		c := call{params: req.Params}
		tries := []error{
			try[folderParams](c), try[filesParams](c), try[pathParams](c), try[draftParams](c), try[draftFileParams](c),
			try[entryParams](c), try[deleteParams](c), try[mediaParams](c), try[uploadParams](c),
		}
		for _, err := range tries {
			if err != nil && !fault.Is(err, fault.Invalid) {
				t.Fatalf("the fault of bad parameters is %v: %v", fault.KindOf(err), err)
			}
		}
		if p, err := params[entryParams](c); err == nil {
			s := p.toSave()
			if len(s.Files) == 0 || s.Files[0].Path == "" || len(s.Files[0].Data) == 0 || s.Message == "" {
				t.Fatalf("accepted half an entry: %+v", s)
			}
		}
	})
}

func try[T any, P interface {
	*T
	checker
}](c call) error {
	_, err := params[T, P](c)
	return err
}

// FuzzBase64 compares our shortcut with the standard library's way round.
func FuzzBase64(f *testing.F) {
	f.Add([]byte(`"aGk="`))
	f.Add([]byte(`"\u0061\/8="`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var ours base64Data
		err := json.Unmarshal(raw, &ours)
		var text string
		want := []byte(nil)
		wantErr := json.Unmarshal(raw, &text)
		if wantErr == nil && !bytes.Equal(bytes.TrimSpace(raw), []byte("null")) {
			want, wantErr = base64.StdEncoding.DecodeString(text)
		} else if wantErr == nil {
			return
		}
		if (err == nil) != (wantErr == nil) || err == nil && !bytes.Equal(ours, want) {
			t.Fatalf("%q: %q, %v; the standard library has %q, %v", raw, ours, err, want, wantErr)
		}
	})
}
