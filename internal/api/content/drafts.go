package content

import (
	"context"
	"strings"
	"unicode/utf8"

	"gatehouse/internal/cms"
	"gatehouse/internal/fault"
	"gatehouse/internal/git"
	"gatehouse/internal/host"
)

// draftJSON is an entry under the editorial workflow.
type draftJSON struct {
	Collection string      `json:"collection"`
	Slug       string      `json:"slug"`
	Status     host.Status `json:"status"`
	Diffs      []diffJSON  `json:"diffs"`
	UpdatedAt  string      `json:"updatedAt"`
	Author     string      `json:"pullRequestAuthor,omitempty"`
}

// diffJSON is one file of a draft. Its id is its path, as clients of the
// protocol expect; its version is base.
type diffJSON struct {
	ID      string  `json:"id"`
	Path    string  `json:"path"`
	NewFile bool    `json:"newFile"`
	OldPath string  `json:"oldPath"`
	NewPath string  `json:"newPath"`
	Status  string  `json:"status"`
	Binary  bool    `json:"binary"`
	Base    git.ID  `json:"base"`
	Data    *string `json:"data,omitempty"`
	URL     string  `json:"url,omitempty"` // of a binary file
}

// toDraft leaves removed files out: a client would ask for the content of each
// file that is named, and fail to open the draft.
func toDraft(d cms.Draft) draftJSON {
	out := draftJSON{Collection: d.Collection, Slug: d.Slug, Status: d.Status, Diffs: []diffJSON{}, UpdatedAt: timestamp(d.Updated), Author: d.Author.Name}
	for _, f := range d.Diffs {
		if f.Removed {
			continue
		}
		diff := diffJSON{ID: f.Path, Path: f.Path, NewFile: f.New, NewPath: f.Path, Status: "modified", OldPath: f.Path, Binary: f.Binary, Base: f.Base}
		if f.New {
			diff.Status, diff.OldPath = "added", ""
		}
		switch {
		case f.Binary:
			diff.URL = rawURL(f.ID, f.Path)
		case f.Data != nil && utf8.Valid(f.Data): // else whoever opens it is told why that cannot be
			data := string(f.Data)
			diff.Data = &data
		}
		out.Diffs = append(out.Diffs, diff)
	}
	return out
}

func (h *Handler) unpublishedEntries(ctx context.Context, c call) (any, error) {
	return h.Site.CMS.DraftKeys(ctx, c.caller)
}

func (h *Handler) drafts(ctx context.Context, c call) (any, error) {
	drafts, err := h.Site.CMS.Drafts(ctx, c.caller)
	if err != nil {
		return nil, err
	}
	return array(`{"drafts":`, drafts, toDraft, "}"), nil
}

// draftParams name a draft: by id, or by collection and slug.
type draftParams struct {
	ID         string `json:"id"`
	Collection string `json:"collection"`
	Slug       string `json:"slug"`
	NewStatus  string `json:"newStatus"`
	Optional   bool   `json:"optional"` // ours: no such draft is null, not an error
}

func (p *draftParams) check() error {
	if p.Collection == "" && p.Slug == "" {
		p.Collection, p.Slug, _ = strings.Cut(p.ID, "/")
	}
	if p.Collection == "" || p.Slug == "" {
		return fault.New(fault.Invalid, "A draft is named by collection and slug, or by id: collection/slug.")
	}
	return nil
}

func (h *Handler) unpublishedEntry(ctx context.Context, c call) (any, error) {
	p, err := params[draftParams](c)
	if err != nil {
		return nil, err
	}
	d, err := h.Site.CMS.Draft(ctx, c.caller, p.Collection, p.Slug)
	if p.Optional && fault.Is(err, fault.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return toDraft(d), nil
}

// draftFileParams name one file of a draft.
type draftFileParams struct {
	Collection string `json:"collection"`
	Slug       string `json:"slug"`
	Path       string `json:"path"`
}

func (p *draftFileParams) check() error {
	switch {
	case p.Collection == "":
		return missing("collection")
	case p.Slug == "":
		return missing("slug")
	case p.Path == "":
		return missing("path")
	}
	return nil
}

func (h *Handler) draftFile(ctx context.Context, c call) (cms.Entry, error) {
	p, err := params[draftFileParams](c)
	if err != nil {
		return cms.Entry{}, err
	}
	return h.Site.CMS.DraftFile(ctx, c.caller, p.Collection, p.Slug, p.Path)
}

func (h *Handler) draftDataFile(ctx context.Context, c call) (any, error) {
	e, err := h.draftFile(ctx, c)
	if err == nil {
		err = mustBeText(e)
	}
	if err != nil {
		return nil, err
	}
	return struct {
		Data string `json:"data"`
		Base git.ID `json:"base"`
	}{string(e.Data), e.ID}, nil
}

func (h *Handler) draftMediaFile(ctx context.Context, c call) (any, error) {
	e, err := h.draftFile(ctx, c)
	if err != nil {
		return nil, err
	}
	return inline(cms.MediaFile{Path: e.Path, ID: e.ID, Size: int64(len(e.Data))}, e.Data), nil
}

func (h *Handler) setStatus(ctx context.Context, c call) (any, error) {
	p, err := params[draftParams](c)
	if err != nil {
		return nil, err
	}
	to := host.Status(p.NewStatus)
	if !to.Valid() {
		return nil, badStatus(p.NewStatus)
	}
	if err := h.Site.CMS.SetStatus(ctx, c.caller, p.Collection, p.Slug, to); err != nil {
		return nil, err
	}
	return message{"The status is changed."}, nil
}

func (h *Handler) publish(ctx context.Context, c call) (any, error) {
	p, err := params[draftParams](c)
	if err != nil {
		return nil, err
	}
	if _, err := h.Site.CMS.Publish(ctx, c.caller, p.Collection, p.Slug); err != nil {
		return nil, err
	}
	return message{"The entry is published."}, nil
}

func (h *Handler) discard(ctx context.Context, c call) (any, error) {
	p, err := params[draftParams](c)
	if err != nil {
		return nil, err
	}
	if err := h.Site.CMS.Discard(ctx, c.caller, p.Collection, p.Slug); err != nil {
		return nil, err
	}
	return message{"The draft is discarded."}, nil
}

func (h *Handler) preview(ctx context.Context, c call) (any, error) {
	p, err := params[draftParams](c)
	if err != nil {
		return nil, err
	}
	found, err := h.Site.CMS.Preview(ctx, c.caller, p.Collection, p.Slug)
	if fault.Is(err, fault.NotFound) {
		return nil, nil // the page asks every few seconds, also when the draft has just been published
	}
	if err != nil || found == nil {
		return nil, err
	}
	out := struct {
		URL    string `json:"url"`
		Status string `json:"status"`
	}{found.URL, "other"}
	if found.Ready {
		out.Status = "success"
	}
	return out, nil
}
