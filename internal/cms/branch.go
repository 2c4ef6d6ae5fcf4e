package cms

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"gatehouse/internal/host"
)

// Drafts live on branches below this one.
const draftPrefix = "cms/"

// The label prefixes that are read, whoever wrote them; the first is written
// when a site names none.
const (
	decapLabels   = "decap-cms/"
	netlifyLabels = "netlify-cms/"
	sveltiaLabels = "sveltia-cms/"
)

// draftBranches are the branches that a draft may have, the usual one first: the
// slug as it is, except for what a ref cannot hold. The others are for a slug
// whose place is taken by another draft's branch, since a branch cannot be a
// directory of another one: beside cms/pages/about its child is
// cms/pages/about%2Fus, and beside cms/pages/about/us its parent is
// cms/pages/abou%74.
func draftBranches(collection, slug string) []string {
	usual, flat := draftBranch(collection, slug, false), draftBranch(collection, slug, true)
	_, size := utf8.DecodeLastRuneInString(slug)
	last := draftBranch(collection, slug[:len(slug)-size], true)
	for _, ch := range []byte(slug[len(slug)-size:]) {
		last += fmt.Sprintf("%%%02X", ch)
	}
	return []string{usual, flat, last}
}

// draftBranch writes one; with flat, slashes are written as %2F.
func draftBranch(collection, slug string, flat bool) string {
	var b strings.Builder
	b.WriteString(draftPrefix)
	escape(&b, collection, false)
	b.WriteByte('/')
	escape(&b, slug, flat)
	return b.String()
}

func escape(b *strings.Builder, s string, flat bool) {
	for i := range len(s) {
		if ch := s[i]; escaped(s, i, flat) {
			fmt.Fprintf(b, "%%%02X", ch)
		} else {
			b.WriteByte(ch)
		}
	}
}

// escaped reports whether the byte at i cannot stand in a branch name, or would
// be misread.
func escaped(slug string, i int, flat bool) bool {
	ch := slug[i]
	rest := slug[i+1:]
	start := i == 0 || slug[i-1] == '/'
	end := rest == "" || rest[0] == '/'
	switch ch {
	case '/':
		return flat || start || end
	case '%':
		return flat || unescapable(slug[i:])
	case '.':
		return start || end || strings.HasPrefix(rest, ".") || strings.HasPrefix(rest, "lock") && (len(rest) == 4 || rest[4] == '/')
	case '@':
		return strings.HasPrefix(rest, "{")
	case '~', '^', ':', '?', '*', '[', '\\', ' ':
		return true
	}
	return ch < 0x20 || ch == 0x7f
}

// unescapable reports whether s begins with %XX as draftBranch writes it.
func unescapable(s string) bool {
	if len(s) < 3 || s[0] != '%' {
		return false
	}
	_, err := strconv.ParseUint(s[1:3], 16, 8)
	return err == nil
}

// draftKey takes a draft's branch apart. Both ways of writing a slug are read.
func draftKey(branch string) (collection, slug string, ok bool) {
	key, ok := strings.CutPrefix(branch, draftPrefix)
	if !ok {
		return "", "", false
	}
	collection, slug, ok = SplitKey(key)
	return unescape(collection), unescape(slug), ok
}

func unescape(raw string) string {
	var b strings.Builder
	for i := 0; i < len(raw); i++ {
		if unescapable(raw[i:]) {
			ch, _ := strconv.ParseUint(raw[i+1:i+3], 16, 8)
			b.WriteByte(byte(ch))
			i += 2
			continue
		}
		b.WriteByte(raw[i])
	}
	return b.String()
}

// isDraft reports whether a change request is a draft of the CMS: from a cms/
// branch, with a status under a label that is known.
func (c *Config) isDraft(r host.ChangeRequest) bool {
	_, _, ok := draftKey(r.Head)
	if !ok || !r.Status.Valid() {
		return false
	}
	prefix, ok := strings.CutSuffix(r.Label, string(r.Status))
	return r.Label == "" || ok && c.readsLabels(prefix)
}

func (c *Config) readsLabels(prefix string) bool {
	return prefix != "" && slices.Contains([]string{c.Backend.LabelPrefix, sveltiaLabels, netlifyLabels, decapLabels}, prefix)
}

// labelPrefix is what new labels begin with: the site's, else the client's if
// it is one that is read, else Decap's.
func (c *Config) labelPrefix(client string) string {
	switch {
	case c.Backend.LabelPrefix != "":
		return c.Backend.LabelPrefix
	case c.readsLabels(client):
		return client
	}
	return decapLabels
}

// clash reports whether two branch names cannot exist beside each other,
// because one would have to be a directory of the other.
func clash(a, b string) bool {
	return strings.HasPrefix(a, b+"/") || strings.HasPrefix(b, a+"/")
}
