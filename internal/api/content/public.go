package content

import (
	"net/http"
	"strings"

	"gatehouse/internal/cms"
	"gatehouse/internal/fault"
)

// Public answers requests for files below the site's public_folder, as they
// will be on the finished site: an entry says /media/a.png, and an editor's
// preview shows it. What is published wins, then open drafts are looked at. Only
// who may read the site gets an answer; everything else goes to next, so our own
// routes must come before it.
func (h *Handler) Public(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			next.ServeHTTP(w, r)
			return
		}
		who, err := h.enter(r)
		if err != nil {
			next.ServeHTTP(w, r)
			return
		}
		file, err := h.publicFile(r, h.Site.Caller(who))
		switch {
		case fault.Is(err, fault.NotFound), fault.Is(err, fault.Forbidden), fault.Is(err, fault.Invalid):
			next.ServeHTTP(w, r)
		case err != nil:
			h.failRaw(w, r, err)
		default:
			h.sendPublic(w, r, h.Site.Caller(who), file)
		}
	})
}

// publicFile is the media file that a request's path stands for.
func (h *Handler) publicFile(r *http.Request, c cms.Caller) (cms.MediaFile, error) {
	config, err := h.Site.CMS.Config(r.Context())
	if err != nil {
		return cms.MediaFile{}, err
	}
	public := strings.Trim(config.PublicFolder, "/")
	name, below := strings.CutPrefix(r.URL.Path, "/"+public+"/")
	if public == "" || !below || name == "" {
		return cms.MediaFile{}, fault.New(fault.NotFound, "There is no such file.")
	}
	return h.Site.CMS.MediaFile(r.Context(), c, strings.TrimPrefix(config.MediaFolder+"/"+name, "/"))
}

// sendPublic answers with a file that may change under its path: a browser asks
// each time, and seldom gets it again.
func (h *Handler) sendPublic(w http.ResponseWriter, r *http.Request, c cms.Caller, file cms.MediaFile) {
	setFileHeaders(w.Header(), file.Path[strings.LastIndexByte(file.Path, '/')+1:])
	w.Header().Set("Cache-Control", "private, no-cache")
	h.sendBlob(w, r, c, file.ID)
}
