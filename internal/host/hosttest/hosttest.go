// Package hosttest is the conformance suite of host.Host: what every Git host's
// implementation must do, said once. An implementation's test calls Run with a
// way to make an empty repository at that host.
package hosttest

import (
	"testing"

	"gatehouse/internal/fault"
	"gatehouse/internal/host"
)

// Fixture is one repository at the host under test, with nothing in it but the
// branch Base and at least one commit. The functions look at it and change it
// from the outside, not through Host.
type Fixture struct {
	Host host.Host
	Base string // the default branch

	// Commit puts files (path to content; empty deletes) on top of branch, which
	// begins at Base when it is new, and answers the commit's id.
	Commit func(t *testing.T, branch string, files map[string]string) string
	// Head is where a branch points; "" when there is none.
	Head func(t *testing.T, branch string) string
	// Parents are the ids of a commit's parents.
	Parents func(t *testing.T, commit string) []string
	// File is a file's content in a commit; "" when there is none.
	File func(t *testing.T, commit, path string) string
	// Labels are all labels of a change request; AddLabel adds one. Both nil
	// where a host has no labels beside the status.
	Labels   func(t *testing.T, number int) []string
	AddLabel func(t *testing.T, number int, label string)
	// SetCommitStatus attaches a status to a commit.
	SetCommitStatus func(t *testing.T, commit string, s host.CommitStatus)
}

const prefix = "decap-cms/"

// Run runs the suite. It calls fixture once for each test.
func Run(t *testing.T, fixture func(t *testing.T) Fixture) {
	t.Helper()
	for _, c := range []struct {
		name string
		run  func(*testing.T, Fixture)
	}{
		{"access", access},
		{"open", opens},
		{"open twice for one head", openTwice},
		{"open what cannot be", openWrong},
		{"list", list},
		{"absent", absent},
		{"status", status},
		{"status keeps other labels", otherLabels},
		{"merge commit", mergeCommit},
		{"merge squashed", mergeSquashed},
		{"merge keeps the head branch", mergeKeepsHead},
		{"merge pinned to the head", mergePinnedHead},
		{"merge pinned to the base", mergePinnedBase},
		{"merge a conflict", mergeConflict},
		{"merge twice", mergeTwice},
		{"close and reopen", closeReopen},
		{"numbers are not reused", numbers},
		{"commit statuses", commitStatuses},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t, fixture(t)) })
	}
}

// draft puts one file on a new branch and opens a change request for it.
func draft(t *testing.T, f Fixture, branch, file, content string) host.ChangeRequest {
	t.Helper()
	f.Commit(t, branch, map[string]string{file: content})
	cr, err := f.Host.Open(t.Context(), host.NewChangeRequest{
		Title: "Create " + file, Body: "Made by a test", Head: branch, Base: f.Base,
		Status: host.Draft, LabelPrefix: prefix, Author: host.Person{Name: "Ada Byron", Email: "ada@example.org"},
	})
	if err != nil {
		t.Fatalf("Open %s: %v", branch, err)
	}
	return cr
}

func get(t *testing.T, f Fixture, number int) host.ChangeRequest {
	t.Helper()
	cr, err := f.Host.ChangeRequest(t.Context(), number)
	if err != nil {
		t.Fatalf("ChangeRequest %d: %v", number, err)
	}
	return cr
}

func wantKind(t *testing.T, what string, err error, kinds ...fault.Kind) {
	t.Helper()
	for _, k := range kinds {
		if fault.Is(err, k) {
			return
		}
	}
	t.Errorf("%s: error %v, want a fault of kind %v", what, err, kinds)
}

func ok(t *testing.T, what string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

func numbersOf(all []host.ChangeRequest) []int {
	var out []int
	for _, cr := range all {
		out = append(out, cr.Number)
	}
	return out
}
