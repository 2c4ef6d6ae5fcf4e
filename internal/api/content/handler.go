package content

import (
	"context"
	"log/slog"
	"net/http"
	"strings"

	"gatehouse/internal/api"
	"gatehouse/internal/auth"
	"gatehouse/internal/cms"
	"gatehouse/internal/fault"
	"gatehouse/internal/site"
)

// maxBody bounds a request: an entry with its images in base64.
const maxBody = 100 << 20

// Info is what the action info tells a CMS that looks for a local server.
type Info struct {
	Repo         string   `json:"repo"`
	PublishModes []string `json:"publish_modes"`
	Type         string   `json:"type"`
}

// Handler answers for one site. Fields are set before Mount.
type Handler struct {
	Site *site.Site
	// Principal says who is calling; its error is answered as it is. It must not
	// read the body.
	Principal func(r *http.Request) (auth.Principal, error)
	Log       *slog.Logger
	Info      Info // zero: the site's name and both publish modes
	// AnyBranch takes whatever branch a request names for the site's. It is for
	// the laptop, where the branch is the one that is checked out.
	AnyBranch bool

	large chan struct{} // a place for each large body in memory
	zips  chan *zipper  // idle compressors
}

// Mount adds the routes. Pages of the site's origins may call them with a
// bearer token.
func (h *Handler) Mount(mux *http.ServeMux) {
	h.large = make(chan struct{}, largeBodies)
	h.zips = make(chan *zipper, idleZippers)
	mux.Handle("/api/v1", api.CORS(h.Site.Origins, http.HandlerFunc(h.serve)))
	mux.Handle("/api/v1/raw/{blob}", api.CORS(h.Site.Origins, http.HandlerFunc(h.raw)))
}

// call is one request on its way to an action.
type call struct {
	who    auth.Principal
	caller cms.Caller
	params []byte // JSON; empty: none given
}

// action does one thing and answers a value for JSON, or a stream.
type action func(ctx context.Context, c call) (any, error)

// action finds an action by its name in the protocol; nil: unknown.
func (h *Handler) action(name string) action {
	switch name {
	case "info":
		return h.info
	case "session":
		return h.session
	case "entriesByFolder":
		return h.entriesByFolder
	case "entriesPage":
		return h.entriesPage
	case "entriesByFiles":
		return h.entriesByFiles
	case "getEntry":
		return h.getEntry
	case "persistEntry":
		return h.persistEntry
	case "unpublishedEntries":
		return h.unpublishedEntries
	case "drafts":
		return h.drafts
	case "unpublishedEntry":
		return h.unpublishedEntry
	case "unpublishedEntryDataFile":
		return h.draftDataFile
	case "unpublishedEntryMediaFile":
		return h.draftMediaFile
	case "updateUnpublishedEntryStatus":
		return h.setStatus
	case "publishUnpublishedEntry":
		return h.publish
	case "deleteUnpublishedEntry":
		return h.discard
	case "getDeployPreview":
		return h.preview
	case "getMedia":
		return h.getMedia
	case "mediaList":
		return h.mediaList
	case "getMediaFile":
		return h.getMediaFile
	case "persistMedia":
		return h.persistMedia
	case "deleteFile":
		return h.deleteFile
	case "deleteFiles":
		return h.deleteFiles
	}
	return nil
}

// serve answers POST /api/v1.
func (h *Handler) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", "POST, OPTIONS")
		api.WriteJSON(w, http.StatusMethodNotAllowed, failure{Error: "Send the request as POST, with action and params as JSON."})
		return
	}
	who, err := h.enter(r)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	body, release, err := h.read(w, r)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	defer release()
	answer, err := h.run(r.Context(), who, body)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.answer(w, r, answer)
}

// enter says who is calling, if they may read the site. Nothing of the body is
// read before.
func (h *Handler) enter(r *http.Request) (auth.Principal, error) {
	who, err := h.Principal(r)
	if err != nil {
		return auth.Principal{}, err
	}
	return who, h.Site.CanRead(who)
}

// run decodes a request and does what it asks.
func (h *Handler) run(ctx context.Context, who auth.Principal, body []byte) (any, error) {
	req, err := decode(body)
	if err != nil {
		return nil, err
	}
	do := h.action(req.Action)
	if do == nil {
		return nil, unknown(req.Action)
	}
	if !h.AnyBranch {
		if err := h.Site.CheckBranch(ctx, req.branch()); err != nil {
			return nil, err
		}
	}
	return do(ctx, call{who: who, caller: h.Site.Caller(who), params: req.Params})
}

func unknown(action string) error {
	if strings.Contains(action, "Note") || action == "getPRMetadata" {
		return fault.New(fault.Unsupported, "This server does not keep notes on drafts. Leave editor.notes out of the CMS's config.yml.")
	}
	return fault.New(fault.Invalid, "There is no action %q.", shorten(action))
}

func (h *Handler) info(context.Context, call) (any, error) {
	if h.Info.Type != "" {
		return h.Info, nil
	}
	return Info{Repo: h.Site.DisplayName(), PublishModes: []string{"editorial_workflow", "simple"}, Type: "gatehouse"}, nil
}

// session tells a client who is signed in, where, and what they may do.
func (h *Handler) session(_ context.Context, c call) (any, error) {
	roles := c.who.Roles
	if roles == nil {
		roles = []string{}
	}
	return struct {
		User    userJSON     `json:"user"`
		Site    siteJSON     `json:"site"`
		Actions []cms.Action `json:"actions"`
		Roles   []string     `json:"roles"`
	}{
		User:    userJSON{Name: c.caller.Name, Login: c.who.Email, Email: c.who.Email, AvatarURL: c.who.AvatarURL},
		Site:    siteJSON{Name: h.Site.Name, Title: h.Site.DisplayName()},
		Actions: h.Site.Actions(c.who),
		Roles:   roles,
	}, nil
}

type userJSON struct {
	Name      string `json:"name"`
	Login     string `json:"login"`
	Email     string `json:"email"`
	AvatarURL string `json:"avatar_url"`
}

type siteJSON struct {
	Name  string `json:"name"`
	Title string `json:"title"`
}
