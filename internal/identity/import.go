package identity

import (
	"context"
	"crypto/sha256"
	"io"
	"time"

	"gatehouse/internal/fault"
)

// Export is a file of people who come from another identity server.
type Export struct {
	Name string // for the report
	Site string // of the memberships
	Open func() (io.ReadCloser, error)
}

// Importing is people who come from other identity servers into the one pool.
// Whoever has one address in several exports, in any spelling of its case, is
// one person with a membership for each site.
//
//   - Who is new keeps the password, of several the one that is used first. A
//     hash of the empty password is none.
//   - Who has an account keeps its password, its name and its address as they
//     are. An import gives memberships, never another way into an account.
//   - Whose address was not confirmed gets an account that is not, without the
//     password: nobody has shown whose that is. Roles wait in the membership.
//   - Who is banned or deleted there stays out.
//   - An entry is known by its id at its site from then on; what was imported is
//     not imported again. Until somebody first uses an account that came so, a
//     later export may still confirm it, and bring a newer old password.
//
// Files are read twice: first as a whole, so that a broken one changes nothing,
// then in batches, each of which is one transaction. After a death in the middle
// the next run goes on.
type Importing struct {
	Exports []Export
	// Roles are for people whom the export gives none.
	Roles []string
	// Apply makes the changes; else it is only found out what they would be.
	Apply bool
	// Progress is called after each batch: which export, and how many of its
	// entries are done, of how many. Nil: nobody wants to know.
	Progress func(export, done, of int)
}

// importBatch is how many people one transaction is about.
const importBatch = 200

// Reasons why an entry is left out.
const (
	SkipNoEmail  = "no e-mail address"
	SkipBadEmail = "no valid e-mail address"
	SkipTwice    = "the same address or id came before in the file"
	SkipOut      = "banned or deleted there"
	SkipData     = "too much data for an account"
	SkipBadID    = "an id that cannot be one"
)

// Import imports people, or says what that would do. Invalid and TooLarge name
// the file and the entry. What was done until an error is in the report.
func (s *Service) Import(ctx context.Context, in Importing) (ImportReport, error) {
	report := ImportReport{Applied: in.Apply}
	roles, err := cleanRoles(in.Roles)
	if err != nil {
		return report, err
	}
	totals := make([]int, len(in.Exports))
	for i, e := range in.Exports {
		if totals[i], err = countExport(ctx, e); err != nil {
			return report, err
		}
	}
	run := importRun{s: s, in: in, roles: roles, planned: map[addressKey]planned{}}
	for i, e := range in.Exports {
		if e.Site == "" {
			return report, fault.New(fault.Invalid, "Name the site of %s.", e.Name)
		}
		report.Exports = append(report.Exports, ExportReport{File: e.Name, Site: e.Site, Roles: map[string]int{}})
		run.report = &report.Exports[i]
		run.seen = map[addressKey]seenEntry{}
		run.progress = func(done int) {
			if in.Progress != nil {
				in.Progress(i, done, totals[i])
			}
		}
		if err := run.export(ctx, e); err != nil {
			return report, err
		}
	}
	return report, nil
}

// countExport reads a file through.
func countExport(ctx context.Context, e Export) (n int, err error) {
	err = e.read(ctx, func(Exported) error { n++; return nil })
	return n, err
}

func (e Export) read(ctx context.Context, each func(Exported) error) error {
	file, err := e.Open()
	if err != nil {
		return fault.Wrap(fault.Invalid, err, "%s cannot be opened.", e.Name)
	}
	defer func() { _ = file.Close() }() // it was read
	var own error
	err = ReadExport(file, func(x Exported) error {
		if own = ctx.Err(); own == nil {
			own = each(x)
		}
		return own
	})
	if err == nil || own != nil {
		return err
	}
	return fault.Wrap(fault.KindOf(err), err, "%s: %s", e.Name, fault.Message(err))
}

// addressKey stands for a folded address, in little room.
type addressKey [16]byte

func keyOf(email string) addressKey {
	sum := sha256.Sum256([]byte(email))
	return addressKey(sum[:16])
}

// seenEntry is an entry of the file at hand.
type seenEntry struct{ confirmed bool }

// planned is an account that a dry run would have made.
type planned struct {
	founding, confirmed bool
	password            string
}

// ImportReport says what an import did, or would do.
type ImportReport struct {
	Applied bool           `json:"applied"`
	Exports []ExportReport `json:"exports"`
}

// Changed reports whether anything was, or would be, different.
func (r ImportReport) Changed() bool {
	for _, e := range r.Exports {
		if e.New+e.Merged > 0 {
			return true
		}
	}
	return false
}

// ExportReport is about one file.
type ExportReport struct {
	File      string `json:"file"`
	Site      string `json:"site"`
	People    int    `json:"people"`    // entries read
	New       int    `json:"new"`       // accounts made
	Merged    int    `json:"merged"`    // accounts that were there, and got something
	Unchanged int    `json:"unchanged"` // imported before
	// Of New and Merged:
	WithPassword    int `json:"withPassword"`    // their old password will do
	OwnPassword     int `json:"ownPassword"`     // the account was here and keeps its own ways in
	WithoutPassword int `json:"withoutPassword"` // they have to choose one
	Unconfirmed     int `json:"unconfirmed"`     // signed up and never confirmed; counted here alone
	// NoRoles are members without a role, who may do nothing.
	NoRoles int `json:"noRoles"`
	// Roles is how many got which role; LeftOut are names that cannot be roles.
	Roles   map[string]int `json:"roles"`
	LeftOut []string       `json:"rolesLeftOut,omitempty"`
	Skipped []Skipped      `json:"skipped"`
}

// Skipped are entries that were left out for one reason.
type Skipped struct {
	Reason  string `json:"reason"`
	Count   int    `json:"count"`
	Entries []int  `json:"entries"` // numbers in the file, the first 20
}

func (r *ExportReport) skip(reason string, number int) {
	at := -1
	for i := range r.Skipped {
		if r.Skipped[i].Reason == reason {
			at = i
		}
	}
	if at < 0 {
		r.Skipped = append(r.Skipped, Skipped{Reason: reason})
		at = len(r.Skipped) - 1
	}
	r.Skipped[at].Count++
	if len(r.Skipped[at].Entries) < 20 {
		r.Skipped[at].Entries = append(r.Skipped[at].Entries, number)
	}
}

// timeOr is a time, unless it is zero or lies ahead.
func timeOr(t, now time.Time) time.Time {
	if t.IsZero() || t.After(now) || t.Year() < 1970 {
		return now
	}
	return t
}
