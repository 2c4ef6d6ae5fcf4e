package api

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"time"
)

// Log writes one record per request: method, host, path, status, bytes, time
// taken and the client's address. Never the query string, a header or a body,
// since tokens and passwords travel there.
func Log(log *slog.Logger, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, start := r.Context(), time.Now()
		host, path := r.Host, r.URL.Path // the router rewrites them
		rec := &recorder{ResponseWriter: w}
		defer func() {
			level := slog.LevelInfo
			if rec.status >= 500 {
				level = slog.LevelError
			}
			log.LogAttrs(ctx, level, "request",
				slog.String("method", r.Method), slog.String("host", host), slog.String("path", path),
				slog.Int("status", rec.Status()), slog.Int64("bytes", rec.bytes),
				slog.Duration("took", time.Since(start).Round(time.Microsecond)),
				slog.String("from", ClientAddr(r, nil).String()))
		}()
		next.ServeHTTP(rec, r)
	})
}

// Recover turns a panic into a logged 500. It must lie inside Log.
func Recover(log *slog.Logger, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, rec := r.Context(), &recorder{ResponseWriter: w}
		defer func() {
			p := recover()
			if p == nil {
				return
			}
			if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(p)
			}
			log.ErrorContext(ctx, "a handler panicked", "panic", p, "stack", string(debug.Stack()))
			if rec.status != 0 {
				panic(http.ErrAbortHandler) // cut the connection: half an answer must not look whole
			}
			http.Error(w, "Something went wrong on the server. It has been logged.", http.StatusInternalServerError)
		}()
		next.ServeHTTP(rec, r)
	})
}

// recorder remembers what was answered. Unwrap lets http.ResponseController
// reach the connection.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// Status is the answered status; a handler that wrote nothing answered 200.
func (r *recorder) Status() int {
	if r.status == 0 {
		return http.StatusOK
	}
	return r.status
}

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 && status >= 200 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	n, err := r.ResponseWriter.Write(b)
	r.bytes += int64(n)
	return n, err
}

// LogHandler adds the request id to every record and keeps by type what must
// not be logged out of it: requests, headers, cookies and raw bytes are
// replaced by a word, URLs lose their user, query and fragment. Secrets from
// the configuration redact themselves.
func LogHandler(next slog.Handler) slog.Handler { return &logHandler{next} }

type logHandler struct{ next slog.Handler }

func (h *logHandler) Enabled(ctx context.Context, l slog.Level) bool { return h.next.Enabled(ctx, l) }

func (h *logHandler) WithGroup(name string) slog.Handler { return &logHandler{h.next.WithGroup(name)} }

func (h *logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	clean := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		clean[i] = redact(a)
	}
	return &logHandler{h.next.WithAttrs(clean)}
}

func (h *logHandler) Handle(ctx context.Context, rec slog.Record) error {
	out := slog.NewRecord(rec.Time, rec.Level, rec.Message, rec.PC)
	rec.Attrs(func(a slog.Attr) bool {
		out.AddAttrs(redact(a))
		return true
	})
	if id := ID(ctx); id != "" {
		out.AddAttrs(slog.String("request", id))
	}
	return h.next.Handle(ctx, out)
}

func redact(a slog.Attr) slog.Attr {
	v := a.Value.Resolve()
	if v.Kind() == slog.KindGroup {
		group := v.Group()
		clean := make([]slog.Attr, len(group))
		for i, g := range group {
			clean[i] = redact(g)
		}
		return slog.Attr{Key: a.Key, Value: slog.GroupValue(clean...)}
	}
	switch x := v.Any().(type) {
	case *http.Request, *http.Response, http.Header, url.Values, *http.Cookie, []*http.Cookie, []byte:
		return slog.String(a.Key, "[redacted]")
	case *url.URL:
		if x == nil {
			return slog.String(a.Key, "")
		}
		return slog.String(a.Key, (&url.URL{Scheme: x.Scheme, Host: x.Host, Path: x.Path}).String())
	case url.URL:
		return redact(slog.Any(a.Key, &x))
	case *url.Error: // its text holds the whole URL
		return slog.String(a.Key, x.Op+": "+x.Err.Error())
	}
	return slog.Attr{Key: a.Key, Value: v}
}
