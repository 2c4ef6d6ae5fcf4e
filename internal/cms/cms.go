// Package cms is the meaning of a site's repository for a CMS: entries, media,
// drafts, publishing and previews, written once for every Git host.
//
// A draft is a branch cms/<collection>/<slug> with an open change request whose
// one prefixed label is its status:
//
//	Save ─→ draft ⇄ pending_review ⇄ pending_publish     (SetStatus)
//	          │            │                │
//	          └── Discard ─┴── Publish ─────┘
//
// What the site's own config.yml says about collections and folders is read at
// the head of the site's branch, before a change, and decides what a path is:
//
//	a collection's     by folder, depth and extension, or listed by name; in
//	                   each language (Collection.Place)
//	a media file       below media_folder of the site, or as the templates of a
//	                   collection, file or field allow
//	anything else      neither read nor written; config.yml itself only when a
//	                   collection lists it
//
// Nothing is written over that the caller has not seen: each file of a save
// has a base, which the client names or Versions remembers.
package cms

import (
	"context"
	"iter"
	"time"

	"gatehouse/internal/git"
	"gatehouse/internal/host"
	"gatehouse/internal/mirror"
)

// Action is what a role allows.
type Action string

// The actions. Reading is per site and not listed.
const (
	Create  Action = "create"  // a new entry
	Edit    Action = "edit"    // an entry that exists
	Delete  Action = "delete"  // a published entry
	Media   Action = "media"   // the media library, on the site's branch
	Submit  Action = "submit"  // change a draft's status, discard it
	Publish Action = "publish" // a draft, or anything straight to the site's branch
)

// Ask is one question to whoever decides about rights.
type Ask struct {
	Action      Action
	Collection  string // empty for the media library
	Slug        string
	Draft       bool        // it is about a draft (a new one, or DraftAuthor's)
	DraftAuthor host.Person // who opened the draft; zero for a new one
}

// Caller is the person for whom something is done.
type Caller struct {
	Name, Email string
	Reader      string                                 // keys the memory of served versions; empty: none is kept
	Allow       func(ctx context.Context, a Ask) error // nil: everything
}

// Service is the content of one site. Fields are set before use.
type Service struct {
	Repo       *mirror.Repository
	ConfigPath string    // config.yml in the repository; empty: the usual places
	Anywhere   bool      // on a laptop: every path is content, with or without a config.yml
	Versions   *Versions // what each reader was served; nil: bases come from the client alone
	PreviewURL string    // base for drafts' preview links on plain Git, with {branch} {collection} {slug} {commit}; empty: none
	Now        func() time.Time

	state state
}

// Entry is one file of a collection as it stands on the site's branch.
type Entry struct {
	Path    string
	Label   string
	ID      git.ID // blob id; empty: no such file
	Data    []byte
	Author  string    // of the last change; empty when not asked for
	Updated time.Time // of the last change
}

// Entries are entries with their content, read as they are asked for, so that a
// listing of any length needs little memory. They end with the first error.
type Entries = iter.Seq2[Entry, error]

// Page is a part of a listing. Pages count from 1.
type Page struct {
	Entries              Entries
	Number, Pages, Count int
}

// Diff is one path that a draft changes.
type Diff struct {
	Path    string
	ID      git.ID // blob on the draft's branch; the old blob when removed
	Base    git.ID // version that an editor who opens it now holds (= ID; empty when removed)
	New     bool   // not on the site's branch
	Removed bool
	Binary  bool
	Data    []byte // when asked for, of texts that are not too long; else nil
}

// Draft is an entry under the editorial workflow.
type Draft struct {
	Collection, Slug string
	Status           host.Status
	Author           host.Person
	Updated          time.Time
	Commit           git.ID
	Number           int // of the change request
	Diffs            []Diff
}

// DataFile is one text file of an entry to save.
type DataFile struct {
	Path    string
	Slug    string
	NewPath string // renamed to; empty: stays
	Data    []byte
	Base    *git.ID // version the editor had; nil: see Versions
}

// Asset is one media file, saved with an entry or alone.
type Asset struct {
	Path string
	Data []byte
}

// SaveEntry is an entry to save.
type SaveEntry struct {
	Collection  string
	Files       []DataFile // the first one's Slug names the draft
	Assets      []Asset
	Message     string
	New         bool
	Workflow    bool        // save as a draft; false: straight to the site's branch
	Status      host.Status // of a new draft; empty: draft
	Subfolders  bool        // a rename takes the whole directory along
	LabelPrefix string      // cms_label_prefix named by the client; empty: the site's
}

// Saved is what a save left behind: the blob of every path as sent, which is
// the base of the editor's next save.
type Saved struct {
	Commit git.ID
	Bases  map[string]git.ID
}

// MediaFile is one file of the media library.
type MediaFile struct {
	Path string
	ID   git.ID
	Size int64
}

// Preview is where a draft can be looked at.
type Preview struct {
	URL   string // of the whole site as it is with the draft; clients add preview_path themselves
	Page  string // of the entry in it: URL with preview_path filled in
	Ready bool   // it has been built
}
