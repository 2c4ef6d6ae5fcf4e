package render

import (
	"io"
	"net/http"
	"path"
	"strconv"
	"strings"

	"gatehouse/internal/fault"
	"gatehouse/internal/git"
)

// pictureType is the content type of a picture that is shown; empty for
// anything else.
func pictureType(name string) string {
	switch strings.ToLower(path.Ext(name)) {
	case ".jpg", ".jpeg":
		return "image/jpeg"
	case ".png":
		return "image/png"
	case ".gif":
		return "image/gif"
	case ".webp":
		return "image/webp"
	case ".avif":
		return "image/avif"
	case ".svg":
		return "image/svg+xml"
	}
	return ""
}

const pictureLimit = 64 << 20

func (s *Site) picture(w http.ResponseWriter, r *http.Request, q *query, file string) error {
	kind := pictureType(file)
	if kind == "" {
		return fault.New(fault.NotFound, "There is no such picture.")
	}
	found, err := s.Repo.Stat(r.Context(), q.commit, file)
	if err != nil {
		return err
	}
	if found.Mode != git.ModeFile && found.Mode != git.ModeExecutable {
		return fault.New(fault.NotFound, "There is no such picture.")
	}
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox")
	h.Set("ETag", `"`+string(found.ID)+`"`)
	if r.Header.Get("If-None-Match") == h.Get("ETag") {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	data, size, err := s.Repo.OpenBlob(r.Context(), found.ID)
	if err != nil {
		return err
	}
	defer func() { _ = data.Close() }() // opened for reading
	if size > pictureLimit {
		return fault.New(fault.NotFound, "This picture is too large to be shown.")
	}
	h.Set("Content-Type", kind)
	h.Set("Content-Length", strconv.FormatInt(size, 10))
	_, _ = io.Copy(w, data) // when that fails the client has gone
	return nil
}
