package content

import (
	"io"
	"log/slog"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"

	"gatehouse/internal/cms"
	"gatehouse/internal/fault"
	"gatehouse/internal/git"
)

// raw answers GET /api/v1/raw/{blob}: the bytes of a file that is content of
// the site. They never change, so a browser may keep them; they are written by
// editors, so nothing in them may run.
func (h *Handler) raw(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD, OPTIONS")
		h.failRaw(w, r, fault.New(fault.Invalid, "Files are read with GET."))
		return
	}
	who, err := h.enter(r)
	if err != nil {
		h.failRaw(w, r, err)
		return
	}
	id := r.PathValue("blob")
	if id == "" || !isID(id) {
		h.failRaw(w, r, fault.New(fault.NotFound, "There is no such file."))
		return
	}
	setFileHeaders(w.Header(), r.URL.Query().Get("name"))
	w.Header().Set("Cache-Control", "private, max-age=31536000, immutable")
	h.sendBlob(w, r, h.Site.Caller(who), git.ID(id))
}

// sendBlob answers with the bytes of a blob, or that the browser has them.
func (h *Handler) sendBlob(w http.ResponseWriter, r *http.Request, c cms.Caller, id git.ID) {
	etag := `"` + string(id) + `"`
	w.Header().Set("ETag", etag)
	if strings.Contains(r.Header.Get("If-None-Match"), etag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	body, size, err := h.Site.CMS.Blob(r.Context(), c, id)
	if err != nil {
		h.failRaw(w, r, err)
		return
	}
	defer func() { _ = body.Close() }() // opened for reading
	w.Header().Set("Content-Length", strconv.FormatInt(size, 10))
	if r.Method == http.MethodHead {
		return
	}
	if n, err := io.Copy(w, body); n != size {
		h.Log.InfoContext(r.Context(), "a file broke off", slog.String("site", h.Site.Name), slog.Any("error", err))
		panic(http.ErrAbortHandler) // less than promised
	}
}

func (h *Handler) failRaw(w http.ResponseWriter, r *http.Request, err error) {
	header := w.Header()
	header.Set("Cache-Control", "no-store")
	for _, name := range []string{"ETag", "Content-Disposition", "Content-Type"} {
		header.Del(name)
	}
	h.fail(w, r, err)
}

// setFileHeaders says what a file of the repository is. Only what a browser
// shows without running it is shown; the rest is a download.
func setFileHeaders(header http.Header, name string) {
	name = cleanName(name)
	kind, shown := shownTypes[strings.ToLower(path.Ext(name))]
	disposition := "inline"
	if !shown {
		kind, disposition = "application/octet-stream", "attachment"
	}
	header.Set("Content-Type", kind)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Content-Security-Policy", "sandbox; default-src 'none'; style-src 'unsafe-inline'")
	if d := mime.FormatMediaType(disposition, map[string]string{"filename": name}); d != "" {
		header.Set("Content-Disposition", d)
		return
	}
	header.Set("Content-Disposition", disposition)
}

// cleanName makes a name that a client sends fit for a header and a disk.
func cleanName(name string) string {
	name = strings.Map(func(c rune) rune {
		if c < 0x20 || c == 0x7f || c == '\\' || c == '/' {
			return '-'
		}
		return c
	}, strings.ToValidUTF8(name, "-"))
	if name == "" {
		return "file"
	}
	const most = 200
	if len(name) > most {
		name = strings.ToValidUTF8(name[len(name)-most:], "")
	}
	return name
}

// shownTypes are images, sound, films, fonts and PDF, by file name extension.
var shownTypes = map[string]string{
	".apng": "image/apng", ".avif": "image/avif", ".bmp": "image/bmp", ".gif": "image/gif",
	".ico": "image/x-icon", ".jpeg": "image/jpeg", ".jpg": "image/jpeg", ".png": "image/png",
	".svg": "image/svg+xml", ".tif": "image/tiff", ".tiff": "image/tiff", ".webp": "image/webp",
	".aac": "audio/aac", ".flac": "audio/flac", ".m4a": "audio/mp4", ".mp3": "audio/mpeg",
	".oga": "audio/ogg", ".ogg": "audio/ogg", ".opus": "audio/ogg", ".wav": "audio/wav", ".weba": "audio/webm",
	".m4v": "video/mp4", ".mov": "video/quicktime", ".mp4": "video/mp4", ".ogv": "video/ogg", ".webm": "video/webm",
	".otf": "font/otf", ".ttf": "font/ttf", ".woff": "font/woff", ".woff2": "font/woff2",
	".pdf": "application/pdf",
}
