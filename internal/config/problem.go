package config

import (
	"fmt"
	"slices"
	"strings"
)

// Problem is one thing that is wrong with the file.
type Problem struct {
	Line    int    // 0: the file as a whole
	Path    string // such as sites[0].backend.repo
	Message string // what is wrong and what to write instead
}

// Error is everything that is wrong with a file.
type Error struct {
	File     string
	Problems []Problem // by line
}

func (e *Error) Error() string {
	var b strings.Builder
	things := "1 problem"
	if n := len(e.Problems); n != 1 {
		things = fmt.Sprintf("%d problems", n)
	}
	fmt.Fprintf(&b, "%s has %s:", e.File, things)
	for _, p := range e.Problems {
		b.WriteString("\n  ")
		if p.Line > 0 {
			fmt.Fprintf(&b, "line %d: ", p.Line)
		}
		if p.Path != "" {
			fmt.Fprintf(&b, "%s: ", p.Path)
		}
		b.WriteString(p.Message)
	}
	return b.String()
}

// report collects problems, and remembers on which line each value stands.
type report struct {
	problems []Problem
	lines    map[string]int
}

// add files a problem under the line of path, or of the nearest parent that is
// written in the file.
func (r *report) add(path, format string, args ...any) {
	line := 0
	for p := path; ; p = parent(p) {
		if l, ok := r.lines[p]; ok {
			line = l
			break
		}
		if p == "" {
			break
		}
	}
	r.problems = append(r.problems, Problem{Line: line, Path: path, Message: fmt.Sprintf(format, args...)})
}

func parent(path string) string { return path[:max(strings.LastIndexAny(path, ".["), 0)] }

// err is the collected problems in the order of the file, or nil.
func (r *report) err(file string) error {
	if len(r.problems) == 0 {
		return nil
	}
	slices.SortStableFunc(r.problems, func(a, b Problem) int { return a.Line - b.Line })
	return &Error{File: file, Problems: r.problems}
}
