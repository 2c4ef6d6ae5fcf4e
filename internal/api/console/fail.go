package console

import (
	"net/http"

	"gatehouse/internal/api"
	"gatehouse/internal/fault"
)

// Link is a link for people.
type Link struct{ URL, Text string }

type errorView struct {
	Frame
	Title, Message string
	Links          []Link
	Request        string // the request's id; for failures that were logged
}

// Fail answers with a page that says in words what went wrong and what can be
// done about it.
func (p *Pages) Fail(w http.ResponseWriter, r *http.Request, err error, links ...Link) {
	if r.Context().Err() != nil {
		return // the client has gone
	}
	kind := fault.KindOf(err)
	view := errorView{Frame: p.frame(r), Title: title(kind), Message: fault.Message(err), Links: links}
	if kind == fault.Internal || kind == fault.Unavailable {
		p.log.ErrorContext(r.Context(), "a page failed", "error", err)
		view.Request = api.ID(r.Context())
	}
	if kind == fault.TooMany {
		view.Message = patience(err)
	}
	if len(links) == 0 && kind == fault.NotFound {
		view.Links = []Link{{URL: "/", Text: "To the start page"}}
	}
	api.RetryAfter(w, err)
	p.render(w, r, api.Status(kind), "error", view.Frame, nobody, view)
}

// NotFound answers with the page for an address where nothing is.
func (p *Pages) NotFound(w http.ResponseWriter, r *http.Request) {
	p.Fail(w, r, fault.New(fault.NotFound, "There is nothing at this address. It may be mistyped, or what was here has moved."))
}

func title(k fault.Kind) string {
	switch k {
	case fault.Invalid:
		return "That did not work"
	case fault.Unauthenticated:
		return "Please sign in"
	case fault.Forbidden:
		return "Not for this account"
	case fault.NotFound:
		return "Nothing here"
	case fault.Conflict:
		return "Changed in the meantime"
	case fault.TooMany:
		return "A little patience"
	case fault.Unavailable:
		return "Not now"
	case fault.Unsupported:
		return "Not possible here"
	case fault.TooLarge:
		return "Too large"
	default:
		return "Our mistake"
	}
}
