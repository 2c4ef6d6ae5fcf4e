// Package sample makes repositories out of a directory of files and a
// description of how they came to be: who wrote what, how many days ago, and
// what is still a draft. The dates count back from the first start, so that a
// demo always looks as if somebody had been at work yesterday.
package sample

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"gatehouse/internal/git"
	"gatehouse/internal/host"
)

// history is history.yml of a sample site.
type history struct {
	People  map[string]person
	Folders map[string]string // collection → folder of its drafts
	Dated   []string          // folders whose files get the day before their name
	Labels  string            // prefix of the drafts' status labels
	Body    string            // of the drafts' change requests
	Commits []step
	Drafts  []draft
}

type person struct{ Name, Email string }

// step is one commit on the site's branch.
type step struct {
	By      string
	Ago     int // days
	Message string
	Add     []string // files of tree/
	Change  []change // after Add
}

// change replaces a piece of text that occurs exactly once.
type change struct{ Path, From, To string }

// draft is one file on a branch of its own, with an open change request.
type draft struct {
	By               string
	Ago              int
	Status           host.Status
	Collection, Slug string
	Message          string
	File             string // of drafts/; empty: the slug with .md
	Path             string // in the repository; empty: the collection's folder and File
}

func readHistory(site fs.FS) (*history, error) {
	data, err := fs.ReadFile(site, "history.yml")
	if err != nil {
		return nil, err
	}
	h := &history{}
	if err := yaml.Unmarshal(data, h); err != nil {
		return nil, fmt.Errorf("history.yml: %w", err)
	}
	for i := range h.Drafts {
		d := &h.Drafts[i]
		if d.File == "" {
			d.File = d.Slug + ".md"
		}
		if d.Path == "" {
			d.Path = h.Folders[d.Collection] + d.File
		}
	}
	return h, nil
}

// signature is a person at a moment.
func (h *history) signature(key string, when time.Time) (git.Signature, error) {
	p, ok := h.People[key]
	if !ok {
		return git.Signature{}, fmt.Errorf("history.yml: nobody is called %q", key)
	}
	return git.Signature{Name: p.Name, Email: p.Email, When: when}, nil
}

// moment is a working hour of a day; n makes the hours of one day differ.
func moment(now time.Time, ago, n int) time.Time {
	day := now.UTC().Truncate(24*time.Hour).AddDate(0, 0, -ago)
	return day.Add(8*time.Hour + time.Duration(n*97%540)*time.Minute)
}

// place is where a file of tree/ goes in the repository when it is first
// committed at when.
func (h *history) place(name string, when time.Time) string {
	dir, base := path.Split(name)
	for _, folder := range h.Dated {
		if dir == folder {
			return dir + when.Format(time.DateOnly) + "-" + base
		}
	}
	return name
}

const stamp = "2006-01-02T15:04:05.000Z"

var inDays = regexp.MustCompile(`@in (\d+) (\d\d):(\d\d)`)

// fill replaces the moments in a text: "@now" and "@in 12 09:30".
func fill(text string, when, now time.Time) string {
	text = strings.Replace(text, "@now", when.UTC().Format(stamp), 1)
	return inDays.ReplaceAllStringFunc(text, func(found string) string {
		part := inDays.FindStringSubmatch(found)
		number := func(s string) int { n, _ := strconv.Atoi(s); return n } // digits alone: see the expression
		day := now.UTC().Truncate(24*time.Hour).AddDate(0, 0, number(part[1]))
		return day.Add(time.Duration(number(part[2]))*time.Hour + time.Duration(number(part[3]))*time.Minute).Format(stamp)
	})
}
