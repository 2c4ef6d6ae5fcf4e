package local

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"gatehouse/internal/fault"
	"gatehouse/internal/git"
	"gatehouse/internal/host"
)

const (
	fileName = "request.json"
	// maxRecord bounds request.json in bytes, read or written.
	maxRecord = 256 << 10
	// maxNumber bounds a change request's number, so that a hostile one cannot
	// use the numbers up.
	maxNumber = 1_000_000_000
)

// record is request.json.
type record struct {
	Number  int         `json:"number"`
	State   host.State  `json:"state"`
	Status  host.Status `json:"status,omitempty"`
	Label   string      `json:"label,omitempty"`  // carries Status, and ends in it
	Labels  []string    `json:"labels,omitempty"` // others, which nothing here touches
	Title   string      `json:"title"`
	Body    string      `json:"body,omitempty"`
	Head    string      `json:"head"`
	Base    string      `json:"base"`
	Author  person      `json:"author"`
	Created time.Time   `json:"created"`
	Updated time.Time   `json:"updated"`
	Commit  git.ID      `json:"commit,omitempty"` // what Base pointed to after the merge
}

type person struct {
	Name  string `json:"name"`
	Email string `json:"email"`
}

// parse reads request.json of the change request that its ref calls number. It
// is strict about what the rest relies on, as anybody may have written it.
func parse(number int, isOpen bool, data []byte) (record, error) {
	var r record
	if len(data) > maxRecord {
		return record{}, fmt.Errorf("%d bytes are too many", len(data))
	}
	if err := json.Unmarshal(data, &r); err != nil {
		return record{}, err
	}
	switch {
	case r.Number != number:
		return record{}, fmt.Errorf("number is %d, the ref says %d", r.Number, number)
	case isOpen && r.State != host.Open, !isOpen && r.State != host.Merged && r.State != host.Closed:
		return record{}, fmt.Errorf("state %q is not what the ref says", r.State)
	case r.Status == "" && r.Label != "", r.Status != "" && !labelled(r.Label, r.Status):
		return record{}, fmt.Errorf("label %q does not carry status %q", r.Label, r.Status)
	}
	if err := git.CheckBranch(r.Head); err != nil {
		return record{}, fmt.Errorf("head: %w", err)
	}
	if err := git.CheckBranch(r.Base); err != nil {
		return record{}, fmt.Errorf("base: %w", err)
	}
	return r, nil
}

// labelled reports whether label is a prefix and then the valid status s.
func labelled(label string, s host.Status) bool {
	return s.Valid() && len(label) > len(s) && strings.HasSuffix(label, string(s))
}

// render is the inverse of parse.
func (r record) render() ([]byte, error) {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "encode change request %d", r.Number)
	}
	if len(data) >= maxRecord {
		return nil, fault.New(fault.TooLarge, "The title and text of a change request may have %d KB together. Shorten them.", maxRecord>>10)
	}
	return append(data, '\n'), nil
}

// ref is where the record lives in its state.
func (r record) ref() string {
	if r.State == host.Open {
		return open + strconv.Itoa(r.Number)
	}
	return closed + strconv.Itoa(r.Number)
}

func (r record) changeRequest() host.ChangeRequest {
	return host.ChangeRequest{
		Number: r.Number, State: r.State, Status: r.Status, Label: r.Label,
		Title: r.Title, Body: r.Body, Head: r.Head, Base: r.Base,
		Author: host.Person(r.Author), Created: r.Created, Updated: r.Updated,
	}
}

// numbered splits a ref name into the number and whether it is open; ok is
// false for any other ref and for a number not written in its one way.
func numbered(ref string) (number int, isOpen, ok bool) {
	digits, isOpen := strings.CutPrefix(ref, open)
	if !isOpen {
		if digits, ok = strings.CutPrefix(ref, closed); !ok {
			return 0, false, false
		}
	}
	number, err := strconv.Atoi(digits)
	if err != nil || number < 1 || number > maxNumber || strconv.Itoa(number) != digits {
		return 0, false, false
	}
	return number, isOpen, true
}

// claimed is the number that request.json states, 0 when it states none.
func claimed(data []byte) int {
	var r struct {
		Number int `json:"number"`
	}
	if json.Unmarshal(data, &r) != nil || r.Number < 0 || r.Number >= maxNumber {
		return 0
	}
	return r.Number
}
