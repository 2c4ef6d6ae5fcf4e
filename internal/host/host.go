// Package host is the contract with a Git host: what a Git remote cannot say.
//
// A host keeps change requests (GitHub's and Gitea's pull requests, GitLab's
// merge requests) with one status each, and the statuses that build systems
// attach to commits. Everything else is Git. Each host is a package below this
// one; host/hosttest is the suite that all of them pass.
package host

import (
	"context"
	"time"
)

// Person is an author as the host knows them.
type Person struct{ Name, Email string }

// Status is the step of a draft in the editorial workflow.
type Status string

// The statuses, in the order in which a draft goes through them.
const (
	Draft          Status = "draft"
	PendingReview  Status = "pending_review"
	PendingPublish Status = "pending_publish"
)

// Valid reports whether s is one of the three statuses.
func (s Status) Valid() bool { return s == Draft || s == PendingReview || s == PendingPublish }

// Access is what the credential in use may do with the repository.
type Access struct {
	Login              string // who the credential is; empty for a directory
	Repository         string // canonical name: owner/name, or a directory's name
	DefaultBranch      string // short name
	Read, Write, Admin bool
}

// State is what became of a change request.
type State string

// The states of a change request.
const (
	Open   State = "open"
	Merged State = "merged"
	Closed State = "closed"
)

// ChangeRequest asks for the branch Head to be merged into Base. Branch names
// are short ("cms/posts/a").
type ChangeRequest struct {
	Number           int
	State            State
	Status           Status // empty: not a draft of the CMS
	Label            string // the label that carries the status, as stored, e.g. "decap-cms/draft"
	Title, Body      string
	Head, Base       string
	Author           Person
	Created, Updated time.Time
	URL              string // page for people; may be empty
}

// Query narrows a listing. Zero fields do not narrow.
type Query struct {
	State State
	Head  string // exact branch
	Base  string
}

// NewChangeRequest is a change request to open.
type NewChangeRequest struct {
	Title, Body string
	Head, Base  string
	Status      Status
	LabelPrefix string // e.g. "decap-cms/"
	Author      Person
}

// MergeOptions says how to merge. HeadCommit and BaseCommit are commit ids: the
// merge fails with Conflict when either branch has moved since.
type MergeOptions struct {
	HeadCommit, BaseCommit string
	Tree                   string // the merge's tree, computed by the caller; a host that merges by itself ignores it
	Squash                 bool
	Message                string // first line: title
	Author, Committer      Person
	DeleteHead             bool // the head branch goes with the merge
}

// CommitStatus is what a build system says about a commit.
type CommitStatus struct {
	Context, State, URL string // State: success, pending, failure, error
}

// Host is one repository at a host. Errors are faults: NotFound for a change
// request that is not there, Conflict when it cannot be done as things stand,
// Unavailable when trying again may help.
type Host interface {
	// Access says who the credential is and what it may do.
	Access(ctx context.Context) (Access, error)
	// ChangeRequests lists change requests, newest update first.
	ChangeRequests(ctx context.Context, q Query) ([]ChangeRequest, error)
	// ChangeRequest reads one.
	ChangeRequest(ctx context.Context, number int) (ChangeRequest, error)
	// Open makes one with its status. Head must exist; an open one for the same
	// head is a Conflict.
	Open(ctx context.Context, n NewChangeRequest) (ChangeRequest, error)
	// SetStatus replaces the status label and leaves other labels alone.
	SetStatus(ctx context.Context, number int, s Status, labelPrefix string) error
	// Merge merges and answers the commit that Base then points to.
	Merge(ctx context.Context, number int, o MergeOptions) (commit string, err error)
	// Close ends it without a merge. The head branch stays.
	Close(ctx context.Context, number int) error
	// Reopen undoes Close.
	Reopen(ctx context.Context, number int) error
	// CommitStatuses lists the newest status of each context for a commit.
	CommitStatuses(ctx context.Context, commit string) ([]CommitStatus, error)
}
