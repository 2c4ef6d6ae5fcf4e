package docs

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	caseRow  = regexp.MustCompile(`(?m)^\| (N\d\d) \| [^|]+ \| ([^|\n]+) \|$`)
	goCase   = regexp.MustCompile(`(?m)^func TestN\d\d\w*\(`)
	nodeCase = regexp.MustCompile("(?m)^\\s*(?:test|it|await t\\.test)\\(['\"`](?:N\\d\\d)+")
	number   = regexp.MustCompile(`N\d\d`)
)

// casesWithTests are the numbers that a test's name or title begins with.
func casesWithTests(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" || d.Name() == ".git" || d.Name() == "out"):
			return fs.SkipDir
		}
		pattern := goCase
		switch {
		case strings.HasSuffix(path, "_test.go"):
		case strings.HasSuffix(path, ".mjs") && strings.Contains(filepath.ToSlash(path), "/test/"):
			pattern = nodeCase
		default:
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, name := range pattern.FindAllString(string(text), -1) {
			for _, n := range number.FindAllString(name, -1) {
				found[n] = path
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// The table of negative cases promises a test for each, unless it says that the
// case is not there yet.
func TestEveryNegativeCaseHasATest(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "docs/security.md"))
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]string{}
	for _, m := range caseRow.FindAllStringSubmatch(string(text), -1) {
		if rows[m[1]] != "" {
			t.Errorf("%s is there twice", m[1])
		}
		rows[m[1]] = m[2]
	}
	tests := casesWithTests(t)
	for n := 1; n <= 80; n++ {
		name := fmt.Sprintf("N%02d", n)
		missing := strings.HasPrefix(rows[name], "not there yet")
		switch where := tests[name]; {
		case rows[name] == "":
			t.Errorf("the table has no row %s", name)
		case where == "" && !missing:
			t.Errorf("%s has no test: name one Test%s…, or begin its title with %s", name, name, name)
		case where != "" && missing:
			t.Errorf("%s is not there yet, says the table, and %s tests it", name, where)
		}
	}
	if len(rows) != 80 {
		t.Errorf("%d rows", len(rows))
	}
}
