package git

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"gatehouse/internal/fault"
)

const maxCommit = 1 << 20 // bytes of a commit object that are read

// Commit reads a commit; fault.NotFound when there is none.
func (r *Repo) Commit(ctx context.Context, id ID) (Commit, error) {
	found, err := r.commits(ctx, []ID{id})
	return found[id], err
}

// commits reads many in one batch.
func (r *Repo) commits(ctx context.Context, ids []ID) (map[ID]Commit, error) {
	found := make(map[ID]Commit, len(ids))
	var names []string
	for _, id := range ids {
		if err := r.hash.check(id); err != nil {
			return nil, err
		}
		if c, ok := r.objects().get(cachedCommit, id); ok {
			found[id] = c.(Commit)
		} else if _, ok := found[id]; !ok {
			found[id] = Commit{}
			names = append(names, string(id))
		}
	}
	err := r.batch(ctx, "contents", names, func(i int, a answer, body io.Reader) error {
		if a.kind != "commit" {
			return fault.New(fault.NotFound, "There is no commit %s in the repository", names[i])
		}
		data := make([]byte, min(a.size, maxCommit)) // of a longer message, the beginning
		if _, err := io.ReadFull(body, data); err != nil {
			return fmt.Errorf("%w: %w", errBroken, err)
		}
		c := parseCommit(data)
		c.ID = a.id
		found[a.id] = c
		r.objects().put(cachedCommit, a.id, c, len(data)+150)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// parseCommit reads a commit object. Old commits are not always well-formed, so
// what cannot be read stays empty.
func parseCommit(data []byte) Commit {
	var c Commit
	head, message, _ := strings.Cut(string(data), "\n\n")
	encoding := ""
	for line := range strings.SplitSeq(head, "\n") {
		key, value, _ := strings.Cut(line, " ")
		switch key { // a line that continues another begins with a space
		case "tree":
			c.Tree = ID(value)
		case "parent":
			c.Parents = append(c.Parents, ID(value))
		case "author":
			c.Author = parseSignature(value)
		case "committer":
			c.Committer = parseSignature(value)
		case "encoding":
			encoding = value
		}
	}
	c.Message = readable(message, encoding)
	c.Author.Name = readable(c.Author.Name, encoding)
	c.Committer.Name = readable(c.Committer.Name, encoding)
	return c
}

// readable is text as valid UTF-8. Text in another encoding is read as Latin-1,
// the one that old commits have.
func readable(s, encoding string) string {
	if utf8.ValidString(s) {
		return s
	}
	if encoding == "" || strings.EqualFold(encoding, "UTF-8") {
		return strings.ToValidUTF8(s, "\uFFFD")
	}
	runes := make([]rune, len(s))
	for i := range len(s) {
		runes[i] = rune(s[i])
	}
	return string(runes)
}

// parseSignature reads "Name <email> seconds zone".
func parseSignature(s string) Signature {
	open, shut := strings.IndexByte(s, '<'), strings.LastIndexByte(s, '>')
	if open < 0 || shut < open {
		return Signature{Name: strings.TrimSpace(s)}
	}
	sig := Signature{Name: strings.TrimSpace(s[:open]), Email: s[open+1 : shut]}
	seconds, zone, _ := strings.Cut(strings.TrimSpace(s[shut+1:]), " ")
	n, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return sig
	}
	sig.When = time.Unix(n, 0).In(parseZone(zone))
	return sig
}

// parseZone reads "+0130".
func parseZone(s string) *time.Location {
	n, err := strconv.Atoi(s)
	if err != nil || len(s) != 5 || n < -9959 || n > 9959 {
		return time.UTC
	}
	offset := (n/100*60 + n%100) * 60
	if offset == 0 {
		return time.UTC
	}
	return time.FixedZone("", offset)
}

func encodeCommit(c CommitSpec) ([]byte, error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "tree %s\n", c.Tree)
	for _, p := range c.Parents {
		fmt.Fprintf(&b, "parent %s\n", p)
	}
	for _, who := range []struct {
		role string
		sig  Signature
	}{{"author", c.Author}, {"committer", c.Committer}} {
		text, err := encodeSignature(who.sig)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, "%s %s\n", who.role, text)
	}
	message := strings.ToValidUTF8(c.Message, "\uFFFD")
	message = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\x00", "").Replace(message)
	b.WriteByte('\n')
	b.WriteString(strings.Trim(message, "\n"))
	b.WriteByte('\n')
	return b.Bytes(), nil
}

func encodeSignature(s Signature) (string, error) {
	name, email := cleanIdent(s.Name), cleanIdent(s.Email)
	if name == "" {
		name = email
	}
	if name == "" {
		return "", fault.New(fault.Invalid, "A commit needs an author and a committer with a name or an e-mail address")
	}
	when := s.When
	if when.IsZero() || when.Unix() < 0 {
		return "", fault.New(fault.Invalid, "A commit needs the time of its author and committer")
	}
	return fmt.Sprintf("%s <%s> %d %s", name, email, when.Unix(), when.Format("-0700")), nil
}

// cleanIdent drops what would end a name early, and the punctuation around it
// that git drops too.
func cleanIdent(s string) string {
	s = strings.Map(func(c rune) rune {
		if c == '<' || c == '>' {
			return -1
		}
		if c < ' ' || c == 0x7f {
			return ' '
		}
		return c
	}, strings.ToValidUTF8(s, "\uFFFD"))
	return strings.Trim(s, " .,:;\"\\'")
}
