package content_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the answers into testdata/wire")

// TestWire plays the scripts in testdata/wire. Each begins with a fresh site.
//
//	as NAME              who calls from now on
//	restart              the server ends and starts again
//	push PATH TEXT       somebody pushes a file to main; TEXT as in a Go string
//	> ACTION PARAMS      a request on branch main
//	>> BODY              a request as it stands
//	get TARGET           GET; the answer is status and headers
//	< STATUS ANSWER      what must come back, to the letter
func TestWire(t *testing.T) {
	scripts, err := filepath.Glob("testdata/wire/*.txt")
	if err != nil || len(scripts) == 0 {
		t.Fatal("no scripts", err)
	}
	for _, script := range scripts {
		t.Run(strings.TrimSuffix(filepath.Base(script), ".txt"), func(t *testing.T) { play(t, script) })
	}
}

func play(t *testing.T, script string) {
	data, err := os.ReadFile(script)
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, baseFiles())
	var out strings.Builder
	answer, where := "", ""
	for i, line := range strings.Split(strings.TrimSuffix(string(data), "\n"), "\n") {
		word, rest, _ := strings.Cut(line, " ")
		if word != "<" {
			fmt.Fprintln(&out, line)
		}
		switch word {
		case "", "#":
		case "as":
			w.who = rest
		case "restart":
			w.restart()
		case "push":
			path, text, _ := strings.Cut(rest, " ")
			text, err := strconv.Unquote(`"` + text + `"`)
			w.must(err)
			w.commit(map[string]string{path: text})
		case ">":
			action, params, _ := strings.Cut(rest, " ")
			status, body := w.call(action, params)
			answer, where = fmt.Sprintf("%d %s", status, body), line
			fmt.Fprintln(&out, "<", answer)
		case ">>":
			rec := w.do("POST", "/api/v1", rest)
			answer, where = fmt.Sprintf("%d %s", rec.Code, strings.TrimSuffix(rec.Body.String(), "\n")), line
			fmt.Fprintln(&out, "<", answer)
		case "get":
			answer, where = get(w, rest), line
			fmt.Fprintln(&out, "<", answer)
		case "<":
			if rest != answer && !*update {
				t.Errorf("%s:%d: as %s: %s\n got %s\nwant %s", script, i+1, w.who, where, answer, rest)
			}
		default:
			t.Fatalf("%s:%d: %q is no word of a script", script, i+1, word)
		}
	}
	if *update {
		if err := os.WriteFile(script, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func get(w *world, target string) string {
	rec := w.do("GET", target, "")
	var parts []string
	for _, name := range []string{"Content-Type", "Content-Disposition", "Cache-Control", "Etag", "Content-Security-Policy", "X-Content-Type-Options"} {
		if v := rec.Header().Get(name); v != "" {
			parts = append(parts, name+": "+v)
		}
	}
	return fmt.Sprintf("%d %s | %q", rec.Code, strings.Join(parts, " | "), rec.Body.String())
}
