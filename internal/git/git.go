// Package git is the Git engine: one repository directory, driven through the
// git command and, for writing objects, through files of its own.
//
// Everything is addressed by object id. The only mutable thing is a ref, and a
// ref moves by compare-and-swap. Nothing here knows what an entry, a draft or a
// person with rights is.
//
//	read:   Resolve ─► Tree, Stat ─► Blobs         a pool of git cat-file processes,
//	                                               and a bounded memory of what was read
//	write:  WriteBlob ─► WriteTree ─► WriteCommit  loose objects, each synced to disk
//	        ─► UpdateRefs                          their directories synced, then one
//	                                               transaction of git update-ref
//	                       ├─ an Old differs ────► fault.Conflict, nothing moved
//	                       └─ nil ───────────────► durable
//
// A writer that lost the race reads the ref anew and tries again. Until
// UpdateRefs nothing that was written can be seen, and git's own collection of
// garbage clears what never will be (after two weeks).
//
// No process of git reads anybody's configuration but the repository's, runs a
// hook, prompts, or reaches a network. Each has a limit of time and a process
// group that dies with its context.
package git

import "time"

// ID is the full hexadecimal name of an object. The empty ID is "nothing": an
// absent file, an absent ref.
type ID string

// Mode is a tree entry's mode.
type Mode uint32

// The modes that occur. Only regular and executable files are content; the
// others are listed and kept, never followed nor written.
const (
	ModeDir        Mode = 0o040000
	ModeFile       Mode = 0o100644
	ModeExecutable Mode = 0o100755
	ModeSymlink    Mode = 0o120000
	ModeSubmodule  Mode = 0o160000
)

// Entry is one file of a tree. Path is from the tree's root, with slashes. A tree
// does not tell its files' sizes: Repo.Sizes does.
type Entry struct {
	Path string
	Mode Mode
	ID   ID
}

// Blob is the content of one file.
type Blob struct {
	ID   ID
	Data []byte
}

// Ref is a full ref name ("refs/heads/main") and the commit it points to.
type Ref struct {
	Name string
	ID   ID
}

// Signature is a person and a time, as in a commit.
type Signature struct {
	Name, Email string
	When        time.Time
}

// Commit is a commit as read.
type Commit struct {
	ID                ID
	Tree              ID
	Parents           []ID
	Author, Committer Signature
	Message           string
}

// CommitSpec is a commit to write.
type CommitSpec struct {
	Tree              ID
	Parents           []ID
	Author, Committer Signature
	Message           string
}

// Edit changes one path of a tree: Blob is the new content, empty to delete.
// Mode 0 keeps the present mode, or is ModeFile for a new path.
type Edit struct {
	Path string
	Blob ID
	Mode Mode
}

// RefUpdate moves one ref from Old to New. Old empty: the ref must not exist.
// New empty: the ref is deleted.
type RefUpdate struct {
	Name     string
	Old, New ID
}

// Change is one path that differs between two trees. Old empty: added. New
// empty: removed. Renames are an added and a removed path.
type Change struct {
	Path             string
	Old, New         ID
	OldMode, NewMode Mode
}

// Merged is the outcome of a three-way merge. Conflicts are a value, not an
// error: the paths that could not be merged; Tree is empty then.
type Merged struct {
	Tree      ID
	Base      ID // the merge base
	Conflicts []string
}
