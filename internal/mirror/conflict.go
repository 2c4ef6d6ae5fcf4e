package mirror

import (
	"context"
	"fmt"
	"strings"
	"unicode"

	"gatehouse/internal/fault"
	"gatehouse/internal/git"
)

const (
	// spelled bounds the files that a message tells about in words.
	spelled = 3
	// nameLength bounds a person's name in a message, in characters.
	nameLength = 60
)

// compare makes sure that every path is what the editor had, as of from (empty:
// nothing is there). A path that holds the new content already does not count
// as changed: it is the same save once more, after its answer was lost.
func (r *Repository) compare(ctx context.Context, t tip, from git.ID, s Save, edits []git.Edit) error {
	paths := make([]string, len(s.Changes))
	for i, c := range s.Changes {
		paths[i] = c.Path
	}
	now, err := r.Git.StatAll(ctx, from, paths)
	if err != nil {
		return err
	}
	var clashes []clash
	for i, c := range s.Changes {
		e := now[c.Path]
		if c.Base != nil && e.ID != *c.Base && e.ID != edits[i].Blob && e.Mode != git.ModeDir {
			clashes = append(clashes, clash{path: c.Path, had: *c.Base, has: e.ID})
		}
	}
	if len(clashes) > 0 {
		if t.head == "" {
			t.head = from // a branch that begins with this save: what it begins at tells who
		}
		return r.conflict(ctx, t, s.Author, clashes)
	}
	return nil
}

func refuse(path, format string, args ...any) error {
	return &fault.Error{Kind: fault.Conflict, Paths: []string{path}, Message: fmt.Sprintf(format, args...)}
}

// clash is a path that is not what the editor had.
type clash struct {
	path     string
	had, has git.ID
}

// conflict names the files, who changed them and when, and what to do.
func (r *Repository) conflict(ctx context.Context, t tip, me git.Signature, clashes []clash) error {
	var paths, told []string
	for _, c := range clashes {
		paths = append(paths, c.path)
		if len(told) < spelled {
			told = append(told, fmt.Sprintf("“%s” was %s %s", c.path, c.verb(), r.by(ctx, t, c.path, me)))
		}
	}
	if more := len(clashes) - len(told); more > 0 {
		told = append(told, fmt.Sprintf("%d more were changed too", more))
	}
	it := "it"
	if len(clashes) > 1 {
		it = "them"
	}
	return &fault.Error{
		Kind: fault.Conflict, Paths: paths,
		Message: fmt.Sprintf("%s after you opened %s. Your text was not saved over %s. Keep a copy of your text, load the entry again, and put your changes in there.",
			strings.Join(told, "; "), it, it),
	}
}

func (c clash) verb() string {
	switch {
	case c.had == "":
		return "created"
	case c.has == "":
		return "deleted"
	default:
		return "changed"
	}
}

// by says who changed a path on a branch last, and when: "by Ada Byron (12:04,
// 22 Nov 2026)".
func (r *Repository) by(ctx context.Context, t tip, path string, me git.Signature) string {
	if t.live {
		return "on disk"
	}
	if t.head == "" {
		return "by somebody else"
	}
	last, err := r.Git.Log(ctx, t.head, path, 1)
	if err != nil || len(last) == 0 {
		return "by somebody else" // the conflict itself is certain; who made it only helps
	}
	who := last[0].Author
	when := who.When.In(r.now().Location()).Format("15:04, 2 Jan 2006")
	if who.Email != "" && strings.EqualFold(who.Email, me.Email) {
		return fmt.Sprintf("by you, in another window (%s)", when)
	}
	return fmt.Sprintf("by %s (%s)", name(who), when)
}

// name is a person's name on one short line.
func name(s git.Signature) string {
	n := s.Name
	if strings.TrimSpace(n) == "" {
		n = s.Email
	}
	out := []rune(strings.TrimSpace(strings.Map(func(c rune) rune {
		if !unicode.IsGraphic(c) {
			return -1
		}
		return c
	}, n)))
	switch {
	case len(out) == 0:
		return "somebody else"
	case len(out) > nameLength:
		return string(out[:nameLength]) + "…"
	}
	return string(out)
}
