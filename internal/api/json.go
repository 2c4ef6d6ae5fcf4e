package api

import (
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"

	"gatehouse/internal/fault"
)

// Status is the HTTP status code of a kind of fault.
func Status(k fault.Kind) int {
	switch k {
	case fault.Internal:
		return http.StatusInternalServerError
	case fault.Invalid:
		return http.StatusBadRequest
	case fault.Unauthenticated:
		return http.StatusUnauthorized
	case fault.Forbidden:
		return http.StatusForbidden
	case fault.NotFound:
		return http.StatusNotFound
	case fault.Conflict:
		return http.StatusConflict
	case fault.TooMany:
		return http.StatusTooManyRequests
	case fault.Unavailable:
		return http.StatusServiceUnavailable
	case fault.Unsupported:
		return http.StatusNotImplemented
	case fault.TooLarge:
		return http.StatusRequestEntityTooLarge
	}
	return http.StatusInternalServerError
}

// RetryAfter sets the Retry-After header when err is a fault that knows when to
// try again. Call it before the status is written.
func RetryAfter(w http.ResponseWriter, err error) {
	var f *fault.Error
	if errors.As(err, &f) && f.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(f.RetryAfter.Seconds()))))
	}
}

// WriteJSON answers v as JSON that no cache may keep, unless the caller set a
// Cache-Control of its own. A value that cannot be encoded is a bug and becomes
// a 500 without a body.
func WriteJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "no-store")
	}
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client has gone; there is nobody to tell
}

// Redirect sends the browser to target, which may be relative to the page it
// asked for. Unlike http.Redirect it leaves a relative target as it is: the
// site's handlers do not know the prefix /s/{site} that they are served under.
func Redirect(w http.ResponseWriter, target string, status int) {
	w.Header().Set("Location", target)
	if w.Header().Get("Cache-Control") == "" {
		w.Header().Set("Cache-Control", "no-store")
	}
	w.WriteHeader(status)
}
