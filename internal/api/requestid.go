package api

import (
	"context"
	"crypto/rand"
	"net/http"
)

type idKey struct{}

// RequestID names every request with a random id, which goes out as
// X-Request-Id and, through LogHandler, into every log record about it. An id
// that the client sends is ignored: it would write what it likes into our log.
func RequestID(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := rand.Text()[:16]
		w.Header().Set("X-Request-Id", id)
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), idKey{}, id)))
	})
}

// ID is the id that RequestID gave to the request of ctx; empty outside of one.
func ID(ctx context.Context) string {
	id, _ := ctx.Value(idKey{}).(string)
	return id
}
