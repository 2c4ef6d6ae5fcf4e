package identity

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"time"

	"gatehouse/internal/fault"
)

// Bounds of an export.
const (
	MaxExport  = 256 << 20 // a file, in bytes
	maxEntry   = 1 << 20   // what one person's entry may take, in bytes
	maxNesting = 64
)

// Exported is a person as GoTrue's export and its list of users show one.
type Exported struct {
	Number    int // in its file, from 1
	ID        string
	Email     string
	Hash      string // of the password; empty: the list has none
	Roles     []string
	Data      map[string]any
	Confirmed time.Time // zero: the address is not confirmed
	Invited   bool
	Created   time.Time // zero: it is not said
	Out       bool      // banned or deleted there
}

// ReadExport reads what GET /admin/users/export or GET /admin/users answered, or
// a bare list of users, or several of these one after the other, and calls each
// with every person as soon as that one is read; an error of each ends it. It
// holds one entry at a time. Invalid for what is none of these, and TooLarge,
// with the number of the entry.
func ReadExport(r io.Reader, each func(Exported) error) error {
	bounded := &boundedReader{r: withoutMark(r), most: maxEntry}
	x := exportReader{d: json.NewDecoder(bounded), bounded: bounded, each: each}
	for lists := 0; ; lists++ {
		token, err := x.token()
		switch {
		case errors.Is(err, io.EOF) && lists > 0:
			return nil
		case errors.Is(err, io.EOF):
			return fault.New(fault.Invalid, "The file is empty. Save the answer of the server to GET /admin/users/export in it.")
		case err != nil:
			return x.broken(err)
		}
		if err := x.list(token); err != nil {
			return err
		}
	}
}

// withoutMark leaves a byte order mark out, which some editors write.
func withoutMark(r io.Reader) io.Reader {
	b := bufio.NewReaderSize(r, 64<<10)
	if mark, err := b.Peek(3); err == nil && string(mark) == "\xEF\xBB\xBF" {
		_, _ = b.Discard(3) // they are there
	}
	return b
}

var errEntrySize, errExportSize = errors.New("entry too large"), errors.New("export too large")

// boundedReader reads up to a mark that moves with the decoder: what the
// decoder has to hold at once stays bounded.
type boundedReader struct {
	r          io.Reader
	read, most int64
}

func (b *boundedReader) Read(p []byte) (int, error) {
	switch {
	case b.read >= MaxExport:
		return 0, errExportSize
	case b.read >= b.most:
		return 0, errEntrySize
	}
	n, err := b.r.Read(p[:min(int64(len(p)), b.most-b.read)])
	b.read += int64(n)
	return n, err
}

type exportReader struct {
	d       *json.Decoder
	bounded *boundedReader
	each    func(Exported) error
	number  int
}

// room lets the decoder read one more value.
func (x *exportReader) room() { x.bounded.most = x.d.InputOffset() + maxEntry }

func (x *exportReader) token() (json.Token, error) {
	x.room()
	return x.d.Token()
}

// list reads the document that begins with a token.
func (x *exportReader) list(begin json.Token) error {
	switch begin {
	case json.Delim('['):
		return x.users()
	case json.Delim('{'):
	default:
		return fault.New(fault.Invalid, "The file is no export of GoTrue: it should begin with { or [.")
	}
	found := false
	for x.d.More() {
		name, err := x.token()
		if err != nil {
			return x.broken(err)
		}
		if name != "users" {
			if err := x.skip(); err != nil {
				return err
			}
			continue
		}
		found = true
		begin, err := x.token()
		if err != nil {
			return x.broken(err)
		}
		switch begin {
		case nil: // an empty page
		case json.Delim('['):
			if err := x.users(); err != nil {
				return err
			}
		default:
			return fault.New(fault.Invalid, `The file is no export of GoTrue: "users" should be a list.`)
		}
	}
	if _, err := x.token(); err != nil {
		return x.broken(err)
	}
	if !found {
		return fault.New(fault.Invalid, `The file is no export of GoTrue: it has no list "users". Look into it: it may hold the server's refusal.`)
	}
	return nil
}

// skip reads past a value that means nothing here.
func (x *exportReader) skip() error {
	_, err := x.value()
	return err
}

func (x *exportReader) value() (json.RawMessage, error) {
	x.room()
	var raw json.RawMessage
	if err := x.d.Decode(&raw); err != nil {
		return nil, x.broken(err)
	}
	return raw, nil
}

// users reads the rest of a list of users.
func (x *exportReader) users() error {
	for x.more() {
		x.number++
		raw, err := x.value()
		if err != nil {
			return err
		}
		entry, err := parseExported(raw, x.number)
		if err != nil {
			return err
		}
		if err := x.each(entry); err != nil {
			return err
		}
	}
	if _, err := x.token(); err != nil {
		x.number++
		return x.broken(err)
	}
	return nil
}

func (x *exportReader) more() bool {
	x.room()
	return x.d.More()
}

// broken says where JSON ends to be some. What stands there is not repeated: it
// may be a hash.
func (x *exportReader) broken(err error) error {
	switch {
	case errors.Is(err, errEntrySize):
		return fault.New(fault.TooLarge, "Entry %d is larger than %d KB: no person is.", max(x.number, 1), maxEntry>>10)
	case errors.Is(err, errExportSize):
		return fault.New(fault.TooLarge, "The file is larger than %d MB. Split it.", MaxExport>>20)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fault.New(fault.Invalid, "The file ends in the middle, at entry %d. Fetch it again.", max(x.number, 1))
	}
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return fault.Wrap(fault.Invalid, err, "The file is no JSON any more at entry %d, byte %d.", max(x.number, 1), x.d.InputOffset())
	}
	return fault.Wrap(fault.Invalid, err, "The file cannot be read on at entry %d.", max(x.number, 1))
}

// exported is an entry on the wire.
type exported struct {
	ID           string         `json:"id"`
	Email        string         `json:"email"`
	Hash         string         `json:"encrypted_password"`
	Role         string         `json:"role"`
	Super        bool           `json:"is_super_admin"`
	App          exportedApp    `json:"app_metadata"`
	Data         map[string]any `json:"user_metadata"`
	Confirmed    *time.Time     `json:"confirmed_at"`
	EmailChecked *time.Time     `json:"email_confirmed_at"`
	Invited      *time.Time     `json:"invited_at"`
	Created      *time.Time     `json:"created_at"`
	Banned       *time.Time     `json:"banned_until"`
	Deleted      *time.Time     `json:"deleted_at"`
	Disabled     bool           `json:"disabled"`
}

type exportedApp struct {
	Roles []string `json:"roles"`
}

func parseExported(raw json.RawMessage, number int) (Exported, error) {
	if len(raw) == 0 || raw[0] != '{' {
		return Exported{}, fault.New(fault.Invalid, "Entry %d is no person: it should be an object with id and email.", number)
	}
	if nesting(raw) > maxNesting {
		return Exported{}, fault.New(fault.Invalid, "Entry %d is nested more than %d deep.", number, maxNesting)
	}
	var e exported
	if err := json.Unmarshal(raw, &e); err != nil {
		return Exported{}, badEntry(err, number)
	}
	out := Exported{
		Number: number, ID: e.ID, Email: e.Email, Hash: e.Hash, Roles: e.App.Roles, Data: e.Data,
		Confirmed: first(e.Confirmed, e.EmailChecked), Invited: e.Invited != nil, Created: first(e.Created),
		Out: e.Disabled || e.Banned != nil && e.Banned.After(time.Unix(0, 0)) || e.Deleted != nil,
	}
	if e.Role == Admin || e.Super {
		out.Roles = append(out.Roles, Admin)
	}
	return out, nil
}

// badEntry says which field is of the wrong kind, and not what it holds.
func badEntry(err error, number int) error {
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) && kind.Field != "" {
		return fault.New(fault.Invalid, "Entry %d: %q should be %s, and is %s.", number, kind.Field, goTrueType(kind.Type.Kind().String()), jsonType(kind.Value))
	}
	var when *time.ParseError
	if errors.As(err, &when) {
		return fault.New(fault.Invalid, "Entry %d has a time that is none, such as 2024-05-17T09:30:00Z.", number)
	}
	return fault.New(fault.Invalid, "Entry %d cannot be read: a field is not of the kind that GoTrue writes.", number)
}

func goTrueType(kind string) string {
	switch kind {
	case "bool":
		return "true or false"
	case "map", "struct":
		return "an object"
	case "slice":
		return "a list"
	}
	return "text"
}

func jsonType(value string) string {
	for begin, words := range map[string]string{
		"number": "a number", "array": "a list", "object": "an object", "bool": "true or false", "string": "text",
	} {
		if strings.HasPrefix(value, begin) {
			return words
		}
	}
	return "something else"
}

// first is the first time that is given.
func first(times ...*time.Time) time.Time {
	for _, t := range times {
		if t != nil && !t.IsZero() {
			return *t
		}
	}
	return time.Time{}
}

// nesting is how deep a valid JSON value goes.
func nesting(raw []byte) int {
	deepest, depth := 0, 0
	for i := 0; i < len(raw); i++ {
		switch raw[i] {
		case '"':
			for i++; i < len(raw) && raw[i] != '"'; i++ {
				if raw[i] == '\\' {
					i++
				}
			}
		case '{', '[':
			depth++
			deepest = max(deepest, depth)
		case '}', ']':
			depth--
		}
	}
	return deepest
}
