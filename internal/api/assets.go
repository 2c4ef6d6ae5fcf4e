package api

import (
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strconv"
	"strings"
)

// Assets serves embedded files. A file x may be stored as x, x.br and x.gz, or
// only compressed; the client gets the smallest form that it accepts. Make one
// with NewAssets.
type Assets struct {
	// Immutable lets browsers keep files for a year without asking again. Set it
	// when the URL contains Version, or the file's name its version.
	Immutable bool

	fsys    fs.FS
	files   map[string]*asset // by plain name
	version string
}

// asset is one file in the forms that are stored; form "" is the plain one.
type asset struct {
	forms map[string]form // by content coding: "br", "gzip", ""
}

type form struct {
	name string // in the file system
	size int64
	etag string
}

// codings in the order of preference, with the suffix of a stored file.
var codings = []struct{ name, suffix string }{{"br", ".br"}, {"gzip", ".gz"}, {"", ""}}

// NewAssets reads fsys once, to know every file's hash. Files whose name begins
// with a dot are not served.
func NewAssets(fsys fs.FS) (*Assets, error) {
	a := &Assets{fsys: fsys, files: map[string]*asset{}}
	all := sha256.New()
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(d.Name(), ".") {
			return err
		}
		sum, size, err := hashFile(fsys, name)
		if err != nil {
			return err
		}
		_, _ = fmt.Fprintf(all, "%s %s\n", name, sum) // a hash cannot fail
		plain, coding := splitCoding(name)
		if a.files[plain] == nil {
			a.files[plain] = &asset{forms: map[string]form{}}
		}
		a.files[plain].forms[coding] = form{name: name, size: size, etag: `"` + sum[:20] + `"`}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading the embedded files: %w", err)
	}
	a.version = hex.EncodeToString(all.Sum(nil))[:12]
	return a, nil
}

// Version names this set of files; it changes when any of them does.
func (a *Assets) Version() string { return a.version }

// ServeFile answers with one file, whatever the request's path is.
func (a *Assets) ServeFile(w http.ResponseWriter, r *http.Request, name string) {
	file := a.files[name]
	if file == nil {
		http.NotFound(w, r)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "Only GET and HEAD are answered here.", http.StatusMethodNotAllowed)
		return
	}
	h := w.Header()
	h.Add("Vary", "Accept-Encoding")
	coding, unpack, ok := file.choose(r.Header.Get("Accept-Encoding"))
	if !ok {
		http.Error(w, "This file is stored compressed only: accept br or gzip.", http.StatusNotAcceptable)
		return
	}
	stored := file.forms[coding]
	h.Set("Content-Type", contentType(name))
	h.Set("ETag", stored.etag)
	if unpack {
		h.Set("ETag", strings.TrimSuffix(stored.etag, `"`)+`-plain"`)
	}
	h.Set("Cache-Control", "no-cache")
	if a.Immutable {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	if matches(r.Header.Get("If-None-Match"), h.Get("ETag")) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	if coding != "" && !unpack {
		h.Set("Content-Encoding", coding)
	}
	a.send(w, r, stored, unpack)
}

func (a *Assets) send(w http.ResponseWriter, r *http.Request, stored form, unpack bool) {
	if !unpack {
		w.Header().Set("Content-Length", strconv.FormatInt(stored.size, 10))
	}
	if r.Method == http.MethodHead {
		return
	}
	f, err := a.fsys.Open(stored.name)
	if err != nil {
		http.Error(w, "The file cannot be read.", http.StatusInternalServerError)
		return
	}
	defer func() { _ = f.Close() }() // opened for reading
	var from io.Reader = f
	if unpack {
		if from, err = gzip.NewReader(f); err != nil {
			http.Error(w, "The file cannot be unpacked.", http.StatusInternalServerError)
			return
		}
	}
	_, _ = io.Copy(w, from) //nolint:gosec // G110: our own embedded file; the client has gone when this fails
}

// choose picks the stored form; unpack means that it has to be sent unpacked.
func (f *asset) choose(accept string) (coding string, unpack, ok bool) {
	for _, c := range codings {
		if _, stored := f.forms[c.name]; stored && accepts(accept, c.name) {
			return c.name, false, true
		}
	}
	if _, stored := f.forms["gzip"]; stored && accepts(accept, "") {
		return "gzip", true, true
	}
	return "", false, false
}

func splitCoding(name string) (plain, coding string) {
	for _, c := range codings {
		if c.suffix != "" && strings.HasSuffix(name, c.suffix) {
			return strings.TrimSuffix(name, c.suffix), c.name
		}
	}
	return name, ""
}

func hashFile(fsys fs.FS, name string) (sum string, size int64, err error) {
	f, err := fsys.Open(name)
	if err != nil {
		return "", 0, err
	}
	defer func() { _ = f.Close() }() // opened for reading
	h := sha256.New()
	size, err = io.Copy(h, f)
	return hex.EncodeToString(h.Sum(nil)), size, err
}
