package content

import (
	"context"
	"encoding/hex"
	"maps"

	"gatehouse/internal/cms"
	"gatehouse/internal/fault"
	"gatehouse/internal/git"
	"gatehouse/internal/host"
)

// dataFile is one text file of an entry.
type dataFile struct {
	Path    string  `json:"path"`
	Slug    string  `json:"slug"`
	NewPath string  `json:"newPath"`
	Raw     string  `json:"raw"`
	Base    *string `json:"base"`
}

// asset is one media file.
type asset struct {
	Path     string     `json:"path"`
	Content  base64Data `json:"content"`
	Encoding string     `json:"encoding"`
}

func (a *asset) check() error {
	switch {
	case a.Path == "":
		return missing("asset.path")
	case a.Encoding != "base64":
		return fault.New(fault.Invalid, "The content of %s must be base64, and its encoding say so.", shorten(a.Path))
	case len(a.Content) == 0:
		return fault.New(fault.Invalid, "The file %s is empty. Choose it again.", shorten(a.Path))
	}
	return nil
}

// options are the circumstances of a change.
type options struct {
	CollectionName string `json:"collectionName"`
	CommitMessage  string `json:"commitMessage"`
	UseWorkflow    bool   `json:"useWorkflow"`
	Status         string `json:"status"`
	NewEntry       bool   `json:"newEntry"`
	HasSubfolders  *bool  `json:"hasSubfolders"` // 3.13 and later
}

// entryParams are the parameters of persistEntry. Entry is the shape of old
// clients for a single data file.
type entryParams struct {
	Entry       *dataFile  `json:"entry"`
	DataFiles   []dataFile `json:"dataFiles"`
	Assets      []asset    `json:"assets"`
	Options     options    `json:"options"`
	LabelPrefix string     `json:"cmsLabelPrefix"`
}

const maxSaved = 1000 // files in one save

func (p *entryParams) check() error {
	if (p.Entry == nil) == (len(p.DataFiles) == 0) {
		return fault.New(fault.Invalid, "An entry is saved as dataFiles, or as entry by old clients: exactly one of them.")
	}
	if p.Entry != nil {
		p.DataFiles = []dataFile{*p.Entry}
	}
	if len(p.DataFiles) > maxSaved {
		return tooMany("dataFiles", maxSaved)
	}
	if len(p.Assets) > maxSaved {
		return tooMany("assets", maxSaved)
	}
	for i := range p.DataFiles {
		if err := p.DataFiles[i].check(); err != nil {
			return err
		}
	}
	for i := range p.Assets {
		if err := p.Assets[i].check(); err != nil {
			return err
		}
	}
	return p.Options.checkEntry()
}

func (f *dataFile) check() error {
	switch {
	case f.Path == "":
		return missing("dataFiles.path")
	case f.Slug == "":
		return missing("dataFiles.slug")
	case f.Raw == "":
		return fault.New(fault.Invalid, "The text of %s is empty.", shorten(f.Path))
	case f.Base != nil && !isID(*f.Base):
		return fault.New(fault.Invalid, "The base of %s is not a blob id.", shorten(f.Path))
	}
	return nil
}

// maxMessage bounds a commit message, in bytes.
const maxMessage = 10_000

func (o *options) checkMessage() error {
	switch {
	case o.CommitMessage == "":
		return missing("options.commitMessage")
	case len(o.CommitMessage) > maxMessage:
		return fault.New(fault.Invalid, "The commit message has more than %d bytes. Shorten it.", maxMessage)
	}
	return nil
}

func (o *options) checkEntry() error {
	if err := o.checkMessage(); err != nil {
		return err
	}
	switch {
	case o.UseWorkflow && o.CollectionName == "":
		return missing("options.collectionName")
	case o.Status != "" && !host.Status(o.Status).Valid():
		return badStatus(o.Status)
	}
	return nil
}

func badStatus(s string) error {
	return fault.New(fault.Invalid, "%q is not a status. There are %s, %s and %s.", shorten(s), host.Draft, host.PendingReview, host.PendingPublish)
}

// isID reports whether s is the name of an object, or empty for an absent file.
func isID(s string) bool {
	if s == "" {
		return true
	}
	if len(s) != 40 && len(s) != 64 {
		return false
	}
	_, err := hex.DecodeString(s)
	return err == nil
}

// toSave is the entry as cms takes it.
func (p *entryParams) toSave() cms.SaveEntry {
	s := cms.SaveEntry{
		Collection: p.Options.CollectionName, Message: p.Options.CommitMessage, New: p.Options.NewEntry,
		Workflow: p.Options.UseWorkflow, Status: host.Status(p.Options.Status), LabelPrefix: p.LabelPrefix,
		Subfolders: p.Options.HasSubfolders == nil || *p.Options.HasSubfolders, // clients that do not say always meant it
	}
	for _, f := range p.DataFiles {
		d := cms.DataFile{Path: f.Path, Slug: f.Slug, NewPath: f.NewPath, Data: []byte(f.Raw)}
		if f.Base != nil {
			base := git.ID(*f.Base)
			d.Base = &base
		}
		s.Files = append(s.Files, d)
	}
	for _, a := range p.Assets {
		s.Assets = append(s.Assets, cms.Asset{Path: a.Path, Data: a.Content})
	}
	return s
}

func (h *Handler) persistEntry(ctx context.Context, c call) (any, error) {
	p, err := params[entryParams](c)
	if err != nil {
		return nil, err
	}
	saved, err := h.Site.CMS.Save(ctx, c.caller, p.toSave())
	if err != nil {
		return nil, err
	}
	bases := map[string]git.ID{}
	maps.Copy(bases, saved.Bases)
	return struct {
		Message string            `json:"message"`
		Bases   map[string]git.ID `json:"bases"`
	}{"The entry is saved.", bases}, nil
}

// message answers an action that has nothing else to say.
type message struct {
	Message string `json:"message"`
}

// deleteParams are the parameters of deleteFile and deleteFiles.
type deleteParams struct {
	Path    string   `json:"path"`
	Paths   []string `json:"paths"`
	Options options  `json:"options"`
}

func (p *deleteParams) check() error {
	if err := p.Options.checkMessage(); err != nil {
		return err
	}
	if len(p.Paths) > maxSaved {
		return tooMany("paths", maxSaved)
	}
	for _, path := range p.Paths {
		if path == "" {
			return missing("paths")
		}
	}
	return nil
}

func (h *Handler) deleteFile(ctx context.Context, c call) (any, error) {
	p, err := params[deleteParams](c)
	if err == nil && p.Path == "" {
		err = missing("path")
	}
	if err != nil {
		return nil, err
	}
	return h.remove(ctx, c, []string{p.Path}, p.Options.CommitMessage)
}

func (h *Handler) deleteFiles(ctx context.Context, c call) (any, error) {
	p, err := params[deleteParams](c)
	if err == nil && len(p.Paths) == 0 {
		err = missing("paths")
	}
	if err != nil {
		return nil, err
	}
	return h.remove(ctx, c, p.Paths, p.Options.CommitMessage)
}

func (h *Handler) remove(ctx context.Context, c call, paths []string, why string) (any, error) {
	if err := h.Site.CMS.Delete(ctx, c.caller, paths, why); err != nil {
		return nil, err
	}
	if len(paths) == 1 {
		return message{"The file is deleted."}, nil
	}
	return message{"The files are deleted."}, nil
}
