package content

import (
	"context"
	"fmt"
	"time"
	"unicode/utf8"

	"gatehouse/internal/cms"
	"gatehouse/internal/fault"
	"gatehouse/internal/git"
)

// entryJSON is one entry. Data and File.ID are null where there is no file.
type entryJSON struct {
	Data *string  `json:"data"`
	File fileJSON `json:"file"`
	Base *git.ID  `json:"base,omitempty"` // not in listings
}

type fileJSON struct {
	Path      string  `json:"path"`
	Label     string  `json:"label,omitempty"`
	ID        *git.ID `json:"id"`
	Author    string  `json:"author,omitempty"`
	UpdatedOn string  `json:"updatedOn,omitempty"`
}

func toEntry(e cms.Entry) entryJSON {
	out := entryJSON{File: fileJSON{Path: e.Path, Label: e.Label, Author: e.Author, UpdatedOn: timestamp(e.Updated)}}
	if e.ID != "" {
		data := string(e.Data)
		out.Data, out.File.ID = &data, &e.ID
	}
	return out
}

// timestamp is a time as JavaScript writes it; empty for no time.
func timestamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

// list streams entries as a JSON array.
func list(entries cms.Entries) stream { return array("", entries, toEntry, "") }

// folderParams are the parameters of entriesByFolder and entriesPage.
type folderParams struct {
	Folder    string `json:"folder"`
	Extension string `json:"extension"`
	Depth     *int   `json:"depth"`
	Page      int    `json:"page"`
	PageSize  int    `json:"pageSize"`
}

const (
	maxDepth        = 100
	defaultPageSize = 20
	maxPageSize     = 1000
)

func (p *folderParams) check() error {
	switch {
	case p.Folder == "":
		return missing("folder")
	case p.Extension == "":
		return missing("extension")
	case p.Depth != nil && *p.Depth < 1:
		return fault.New(fault.Invalid, "depth counts the folder itself: it must be 1 or more.")
	case p.Page < 0 || p.PageSize < 0 || p.PageSize > maxPageSize:
		return fault.New(fault.Invalid, "page counts from 1, and a page has at most %d entries.", maxPageSize)
	}
	p.Page = max(p.Page, 1)
	if p.PageSize == 0 {
		p.PageSize = defaultPageSize
	}
	return nil
}

func (p *folderParams) depth() int {
	if p.Depth == nil {
		return 1
	}
	return min(*p.Depth, maxDepth)
}

// missing is the fault of a parameter that must be there.
func missing(name string) error {
	return fault.New(fault.Invalid, "%q is required and must not be empty.", name)
}

func (h *Handler) entriesByFolder(ctx context.Context, c call) (any, error) {
	p, err := params[folderParams](c)
	if err != nil {
		return nil, err
	}
	entries, err := h.Site.CMS.Entries(ctx, c.caller, p.Folder, p.Extension, p.depth())
	if err != nil {
		return nil, err
	}
	return list(entries), nil
}

func (h *Handler) entriesPage(ctx context.Context, c call) (any, error) {
	p, err := params[folderParams](c)
	if err != nil {
		return nil, err
	}
	page, err := h.Site.CMS.Page(ctx, c.caller, p.Folder, p.Extension, p.depth(), p.Page, p.PageSize)
	if err != nil {
		return nil, err
	}
	return array(`{"entries":`, page.Entries, toEntry, fmt.Sprintf(`,"page":%d,"pages":%d,"count":%d}`, page.Number, page.Pages, page.Count)), nil
}

// filesParams are the parameters of entriesByFiles.
type filesParams struct {
	Files []struct {
		Path  string `json:"path"`
		Label string `json:"label"`
	} `json:"files"`
}

const maxFiles = 10_000

func (p *filesParams) check() error {
	if p.Files == nil {
		return missing("files")
	}
	if len(p.Files) > maxFiles {
		return tooMany("files", maxFiles)
	}
	for _, f := range p.Files {
		if f.Path == "" {
			return missing("files.path")
		}
	}
	return nil
}

func tooMany(name string, most int) error {
	return fault.New(fault.Invalid, "%q has more than %d elements.", name, most)
}

func (h *Handler) entriesByFiles(ctx context.Context, c call) (any, error) {
	p, err := params[filesParams](c)
	if err != nil {
		return nil, err
	}
	files := make([]cms.Entry, len(p.Files))
	for i, f := range p.Files {
		files[i] = cms.Entry{Path: f.Path, Label: f.Label}
	}
	entries, err := h.Site.CMS.Files(ctx, c.caller, files)
	if err != nil {
		return nil, err
	}
	return list(entries), nil
}

// pathParams name one file.
type pathParams struct {
	Path   string `json:"path"`
	Inline *bool  `json:"inline"` // media: with content; nil: yes
}

func (p *pathParams) check() error {
	if p.Path == "" {
		return missing("path")
	}
	return nil
}

func (h *Handler) getEntry(ctx context.Context, c call) (any, error) {
	p, err := params[pathParams](c)
	if err != nil {
		return nil, err
	}
	e, err := h.Site.CMS.Entry(ctx, c.caller, p.Path)
	if err != nil {
		return nil, err
	}
	if err := mustBeText(e); err != nil {
		return nil, err
	}
	out := toEntry(e)
	out.Base = &e.ID
	return out, nil
}

// mustBeText refuses to open a file that JSON cannot carry: what an editor
// saves back would have lost every byte that is not UTF-8.
func mustBeText(e cms.Entry) error {
	if utf8.Valid(e.Data) {
		return nil
	}
	return fault.New(fault.Unsupported, "%s is not UTF-8 text, and saving it from here would damage it. Convert it to UTF-8 in the repository first.", e.Path)
}
