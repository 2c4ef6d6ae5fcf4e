package content

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/url"
	"path"

	"gatehouse/internal/cms"
	"gatehouse/internal/git"
)

// mediaJSON is one file of the media library. Content is there for clients of
// the proxy protocol, which know no url.
type mediaJSON struct {
	ID       git.ID  `json:"id"`
	Name     string  `json:"name"`
	Path     string  `json:"path"`
	Size     int64   `json:"size"`
	URL      string  `json:"url"`
	Content  *string `json:"content,omitempty"` // an empty file has an empty one
	Encoding string  `json:"encoding,omitempty"`
}

func toMedia(f cms.MediaFile) mediaJSON {
	return mediaJSON{ID: f.ID, Name: path.Base(f.Path), Path: f.Path, Size: f.Size, URL: rawURL(f.ID, f.Path)}
}

// inline is a media file with its content.
func inline(f cms.MediaFile, data []byte) mediaJSON {
	m := toMedia(f)
	m.Size = int64(len(data))
	text := base64.StdEncoding.EncodeToString(data)
	m.Content, m.Encoding = &text, "base64"
	return m
}

// rawURL is where the bytes of a file are, relative to the site's root.
func rawURL(id git.ID, p string) string {
	return "api/v1/raw/" + string(id) + "?name=" + url.QueryEscape(path.Base(p))
}

// mediaParams name a folder; the protocol says mediaFolder, our own action
// folder.
type mediaParams struct {
	MediaFolder string `json:"mediaFolder"`
	Folder      string `json:"folder"`
}

func (p *mediaParams) check() error {
	if p.Folder == "" {
		p.Folder = p.MediaFolder
	}
	if p.Folder == "" {
		return missing("mediaFolder")
	}
	return nil
}

func (h *Handler) media(ctx context.Context, c call) ([]cms.MediaFile, error) {
	p, err := params[mediaParams](c)
	if err != nil {
		return nil, err
	}
	return h.Site.CMS.Media(ctx, c.caller, p.Folder)
}

func (h *Handler) mediaList(ctx context.Context, c call) (any, error) {
	files, err := h.media(ctx, c)
	if err != nil {
		return nil, err
	}
	out := []mediaJSON{}
	for _, f := range files {
		out = append(out, toMedia(f))
	}
	return out, nil
}

// getMedia answers with the content of every file.
func (h *Handler) getMedia(ctx context.Context, c call) (any, error) {
	files, err := h.media(ctx, c)
	if err != nil {
		return nil, err
	}
	return stream(func(w io.Writer) error { return h.writeMedia(ctx, w, files) }), nil
}

func (h *Handler) writeMedia(ctx context.Context, w io.Writer, files []cms.MediaFile) error {
	out := newArray(w)
	for _, f := range files {
		if _, err := w.Write([]byte{out.opening()}); err != nil {
			return err
		}
		if err := h.writeInline(ctx, w, f); err != nil {
			return err
		}
	}
	return out.end("")
}

// writeInline writes what inline answers, of a file of any size: its content is
// never whole in memory.
func (h *Handler) writeInline(ctx context.Context, w io.Writer, f cms.MediaFile) error {
	body, size, err := h.Site.Repo.Git.OpenBlob(ctx, f.ID)
	if err != nil {
		return err
	}
	defer func() { _ = body.Close() }() // opened for reading
	f.Size = size
	head, err := json.Marshal(toMedia(f))
	if err != nil {
		return err
	}
	if _, err := w.Write(append(head[:len(head)-1], `,"content":"`...)); err != nil {
		return err
	}
	text := base64.NewEncoder(base64.StdEncoding, w)
	if _, err := io.Copy(text, body); err != nil {
		return err
	}
	if err := text.Close(); err != nil {
		return err
	}
	_, err = io.WriteString(w, `","encoding":"base64"}`)
	return err
}

func (h *Handler) getMediaFile(ctx context.Context, c call) (any, error) {
	p, err := params[pathParams](c)
	if err != nil {
		return nil, err
	}
	f, err := h.Site.CMS.MediaFile(ctx, c.caller, p.Path)
	if err != nil {
		return nil, err
	}
	if p.Inline != nil && !*p.Inline {
		return toMedia(f), nil
	}
	return stream(func(w io.Writer) error { return h.writeInline(ctx, w, f) }), nil
}

// uploadParams are the parameters of persistMedia.
type uploadParams struct {
	Asset   asset   `json:"asset"`
	Options options `json:"options"`
	Inline  *bool   `json:"inline"` // answer with content; nil: yes
}

func (p *uploadParams) check() error {
	if err := p.Options.checkMessage(); err != nil {
		return err
	}
	return p.Asset.check()
}

func (h *Handler) persistMedia(ctx context.Context, c call) (any, error) {
	p, err := params[uploadParams](c)
	if err != nil {
		return nil, err
	}
	f, err := h.Site.CMS.SaveMedia(ctx, c.caller, cms.Asset{Path: p.Asset.Path, Data: p.Asset.Content}, p.Options.CommitMessage)
	if err != nil {
		return nil, err
	}
	if p.Inline != nil && !*p.Inline {
		return toMedia(f), nil
	}
	return inline(f, p.Asset.Content), nil
}
