package broker

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// line is what the clients look for. The dot of their language stops at four
// kinds of line breaks.
var line = regexp.MustCompile(`^authorization:([a-z][a-z0-9-]*):(success|error):([^\n\r\x{2028}\x{2029}]+)$`)

// read takes a message apart as a CMS page does.
func read(t *testing.T, text string) (outcome string, content map[string]any) {
	t.Helper()
	parts := line.FindStringSubmatch(text)
	if parts == nil {
		t.Fatalf("no client understands %q", text)
	}
	if err := json.Unmarshal([]byte(parts[3]), &content); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return parts[2], content
}

func TestSuccessMessage(t *testing.T) {
	now := time.Unix(1000, 0)
	got := successMessage(newToken("github", "gho_x", "handle", now.Add(8*time.Hour), now))
	want := `authorization:github:success:{"token":"gho_x","provider":"github","refresh_token":"handle","refreshToken":"handle","expires_in":28800,"token_type":"bearer"}`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	got = successMessage(newToken("gitlab", "x", "", time.Time{}, now))
	want = `authorization:gitlab:success:{"token":"x","provider":"gitlab","token_type":"bearer"}`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestErrorMessage(t *testing.T) {
	got := errorMessage("github", "You may not.", "NO_WRITE", "E-no-write, abcd1234")
	want := `authorization:github:error:{"provider":"github","message":"You may not. (E-no-write, abcd1234)","error":"You may not. (E-no-write, abcd1234)","errorCode":"NO_WRITE"}`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// N31: whatever a text has in it, the message is one line and short.
func TestN31ErrorMessageIsOneShortLine(t *testing.T) {
	for name, text := range map[string]string{
		"line breaks":     "a\nb\r\nc\vd\fe\u0085f",
		"separators":      "a\u2028b\u2029c",
		"quotes":          `"it's" \ 'that'`,
		"markup":          "</script><script>alert(1)</script>",
		"ten kilobytes":   strings.Repeat("x", 10_000),
		"wide characters": strings.Repeat("ü", 10_000),
		"broken UTF-8":    "a\xff\xfeb",
		"empty":           "",
	} {
		got := errorMessage("github", text, "X", "E-x, abcd1234")
		_, content := read(t, got)
		shown, _ := content["message"].(string)
		if shown != content["error"] || utf8.RuneCountInString(shown) > maxText || !strings.HasSuffix(shown, "(E-x, abcd1234)") {
			t.Errorf("%s: %q", name, shown)
		}
		if strings.ContainsAny(shown, "\n\r\u2028\u2029") || strings.Contains(got, "<") {
			t.Errorf("%s: %q", name, got)
		}
		if strings.ContainsAny(shown, "<>") {
			t.Errorf("%s: markup for a CMS page that does not escape: %q", name, shown)
		}
	}
}

func TestCodeOf(t *testing.T) {
	for page, want := range map[string]string{"E-no-write": "NO_WRITE", "E-provider": "UNSUPPORTED_BACKEND", "E-sso": "SSO"} {
		if got := codeOf(page); got != want {
			t.Errorf("%s: %s, want %s", page, got, want)
		}
	}
}

func FuzzErrorMessage(f *testing.F) {
	f.Add("You may not.", "NO_WRITE", "E-x, 1")
	f.Add("a\u2028\r\n\xff</script>", "\n", "")
	f.Fuzz(func(t *testing.T, text, code, id string) {
		if len(id) > 100 {
			return
		}
		got := errorMessage("github", text, code, id)
		if !line.MatchString(got) || !utf8.ValidString(got) || strings.ContainsAny(got, "<>&") {
			t.Errorf("%q", got)
		}
		read(t, got)
	})
}

func FuzzReadQuery(f *testing.F) {
	for _, seed := range []string{"provider=github&site_id=a", "a=%00", "a=%ff", "a;b", strings.Repeat("a=b&", 100), "%zz"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		q, err := readQuery(raw)
		if err != nil {
			return
		}
		for name := range q {
			v, err := single(q, name, 255)
			if err == nil && (len(v) > 255 || !utf8.ValidString(v) || strings.ContainsAny(v, "\x00\r\n")) {
				t.Errorf("%q gives %q", raw, v)
			}
		}
	})
}
