// Package local is the host of a plain Git directory: it keeps change requests
// in refs of the repository itself, so that a directory needs nothing beside it.
//
//	refs/gatehouse/requests/<n>   an open change request
//	refs/gatehouse/closed/<n>     one that was merged or closed
//	refs/gatehouse/sequence       the change request that was opened last
//
// Each points to a commit whose tree holds one file, request.json. Every change
// is a commit on top of the former one, so that the history of the ref is the
// record of who did what and when. A ref moves from requests to closed in the
// same transaction as what it is about: a merge moves the base branch, deletes
// the head branch and closes the request at once, or does nothing.
//
// Others may push to the repository. What does not read as a change request is
// skipped in listings and answers NotFound by number.
package local

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"gatehouse/internal/fault"
	"gatehouse/internal/git"
	"gatehouse/internal/host"
)

const (
	refs     = "refs/gatehouse/"
	open     = refs + "requests/"
	closed   = refs + "closed/"
	sequence = refs + "sequence"
	branches = "refs/heads/"
)

var _ host.Host = (*Host)(nil)

// Host is host.Host for one repository directory. The fields are set before
// use and not changed after.
type Host struct {
	Git  *git.Repo
	Name string // what Access answers as the repository's name
	// PreviewURL says where a commit can be looked at; "" for nowhere. May be nil.
	PreviewURL func(ctx context.Context, commit string) (string, error)
	Now        func() time.Time // nil: time.Now

	writes sync.Mutex // one change at a time; other processes meet the refs' old values
	reads  sync.Mutex
	cache  map[git.ID]cached // by commit, which never changes its content
}

// Access is everything: who can read the directory may do what the file system
// allows, and rights of people are decided elsewhere.
func (h *Host) Access(ctx context.Context) (host.Access, error) {
	branch, err := h.Git.Branch(ctx)
	if err != nil {
		return host.Access{}, err
	}
	return host.Access{Repository: h.Name, DefaultBranch: branch, Read: true, Write: true, Admin: true}, nil
}

// ChangeRequests lists change requests, newest update first.
func (h *Host) ChangeRequests(ctx context.Context, q host.Query) ([]host.ChangeRequest, error) {
	prefix := refs
	switch q.State {
	case host.Open:
		prefix = open
	case host.Merged, host.Closed:
		prefix = closed
	}
	found, err := h.list(ctx, prefix)
	if err != nil {
		return nil, err
	}
	var out []host.ChangeRequest
	for _, f := range found {
		r := f.record
		if (q.State == "" || r.State == q.State) && (q.Head == "" || r.Head == q.Head) && (q.Base == "" || r.Base == q.Base) {
			out = append(out, r.changeRequest())
		}
	}
	slices.SortFunc(out, func(a, b host.ChangeRequest) int {
		return cmp.Or(b.Updated.Compare(a.Updated), cmp.Compare(b.Number, a.Number))
	})
	return out, nil
}

// ChangeRequest reads one, open or not.
func (h *Host) ChangeRequest(ctx context.Context, number int) (host.ChangeRequest, error) {
	f, err := h.find(ctx, number)
	if err != nil {
		return host.ChangeRequest{}, err
	}
	return f.record.changeRequest(), nil
}

// CommitStatuses is the preview of the commit, when there is one.
func (h *Host) CommitStatuses(ctx context.Context, commit string) ([]host.CommitStatus, error) {
	if h.PreviewURL == nil {
		return nil, nil
	}
	url, err := h.PreviewURL(ctx, commit)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "The preview of this version could not be found out. Try again.")
	}
	if url == "" {
		return nil, nil
	}
	return []host.CommitStatus{{Context: "deploy/preview", State: "success", URL: url}}, nil
}

func (h *Host) now() time.Time {
	now := time.Now
	if h.Now != nil {
		now = h.Now
	}
	return now().UTC().Round(0)
}

// signature is a person at this moment; nobody in particular is the server.
func (h *Host) signature(people ...host.Person) git.Signature {
	for _, p := range people {
		if p != (host.Person{}) {
			return git.Signature{Name: p.Name, Email: p.Email, When: h.now()}
		}
	}
	return git.Signature{Name: "Gatehouse", Email: "gatehouse@localhost", When: h.now()}
}
