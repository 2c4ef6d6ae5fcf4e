package content

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
)

const (
	// whole is the largest answer that is sent in one piece, with its length
	// and uncompressed. What is longer is streamed.
	whole       = 32 << 10
	idleZippers = 4
)

// stream writes an answer piece by piece. An error after the first piece cuts
// the connection: half an answer must not look whole.
type stream func(w io.Writer) error

// answer sends a value as JSON.
func (h *Handler) answer(w http.ResponseWriter, r *http.Request, v any) {
	write, ok := v.(stream)
	if !ok {
		write = func(to io.Writer) error { return encoder(to).Encode(v) }
	}
	out := &sender{h: h, w: w, r: r}
	err := write(out)
	if err == nil {
		err = out.close()
	}
	if err == nil {
		return
	}
	if !out.started {
		h.fail(w, r, err)
		return
	}
	h.Log.InfoContext(r.Context(), "an answer broke off", slog.String("site", h.Site.Name), slog.Any("error", err))
	panic(http.ErrAbortHandler)
}

func encoder(w io.Writer) *json.Encoder {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false) // JSON with nosniff is no HTML
	return e
}

// arrayWriter writes a JSON array element by element.
type arrayWriter struct {
	w    io.Writer
	line bytes.Buffer
	enc  *json.Encoder
	more bool
}

func newArray(w io.Writer) *arrayWriter {
	a := &arrayWriter{w: w}
	a.enc = encoder(&a.line)
	return a
}

func (a *arrayWriter) add(v any) error {
	a.line.Reset()
	a.line.WriteByte(a.opening())
	if err := a.enc.Encode(v); err != nil {
		return err
	}
	_, err := a.w.Write(bytes.TrimSuffix(a.line.Bytes(), []byte("\n")))
	return err
}

// end closes the array; after is what follows it.
func (a *arrayWriter) end(after string) error {
	after = "]" + after
	if !a.more {
		after = "[" + after
	}
	_, err := io.WriteString(a.w, after+"\n")
	return err
}

func (a *arrayWriter) opening() byte {
	if a.more {
		return ','
	}
	a.more = true
	return '['
}

// array streams a listing as a JSON array between two texts.
func array[T, J any](before string, all iter.Seq2[T, error], to func(T) J, after string) stream {
	return func(w io.Writer) error {
		if _, err := io.WriteString(w, before); err != nil {
			return err
		}
		out := newArray(w)
		for one, err := range all {
			if err != nil {
				return err
			}
			if err := out.add(to(one)); err != nil {
				return err
			}
		}
		return out.end(after)
	}
}

// sender holds an answer back until it is clear whether it is long.
type sender struct {
	h       *Handler
	w       http.ResponseWriter
	r       *http.Request
	held    bytes.Buffer
	started bool
	to      io.Writer // after the start
	zip     *zipper   // in use, or nil
	buffer  *bufio.Writer
}

func (s *sender) Write(p []byte) (int, error) {
	if s.started {
		return s.to.Write(p)
	}
	s.held.Write(p)
	if s.held.Len() > whole {
		return len(p), s.start()
	}
	return len(p), nil
}

// start begins a long answer.
func (s *sender) start() error {
	s.started = true
	header := s.w.Header()
	header.Set("Content-Type", "application/json; charset=utf-8")
	header.Add("Vary", "Accept-Encoding")
	if worthZipping(s.r) {
		header.Set("Content-Encoding", "gzip")
		s.zip = s.h.zipper(s.w)
		s.to = s.zip
	} else {
		s.buffer = bufio.NewWriterSize(s.w, 64<<10)
		s.to = s.buffer
	}
	_, err := s.held.WriteTo(s.to)
	return err
}

func (s *sender) close() error {
	switch {
	case !s.started:
		header := s.w.Header()
		header.Set("Content-Type", "application/json; charset=utf-8")
		header.Set("Content-Length", strconv.Itoa(s.held.Len()))
		s.started = true
		_, err := s.held.WriteTo(s.w)
		return err
	case s.zip != nil:
		err := s.zip.Close()
		s.h.idle(s.zip)
		return err
	}
	return s.buffer.Flush()
}

// worthZipping reports whether an answer should be compressed: the client takes
// gzip and is on another machine. On the same one the network costs nothing,
// and compressing costs more than all the rest. The answers hold no secrets,
// so that their length may depend on their text.
func worthZipping(r *http.Request) bool {
	if !acceptsGzip(r.Header.Get("Accept-Encoding")) {
		return false
	}
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	return err != nil || !peer.Addr().Unmap().IsLoopback()
}

func acceptsGzip(header string) bool {
	for part := range strings.SplitSeq(header, ",") {
		coding, quality, _ := strings.Cut(strings.ReplaceAll(part, " ", ""), ";")
		if strings.EqualFold(coding, "gzip") {
			value, err := strconv.ParseFloat(strings.TrimPrefix(quality, "q="), 64)
			return err != nil || value > 0
		}
	}
	return false
}

// zipper is a compressor that is used again: each is 800 kB.
type zipper struct{ *gzip.Writer }

func (h *Handler) zipper(w io.Writer) *zipper {
	select {
	case z := <-h.zips:
		z.Reset(w)
		return z
	default:
	}
	z, err := gzip.NewWriterLevel(w, gzip.BestSpeed)
	if err != nil {
		z = gzip.NewWriter(w) // cannot be: the level is a constant
	}
	return &zipper{z}
}

func (h *Handler) idle(z *zipper) {
	z.Reset(io.Discard) // let go of the answer
	select {
	case h.zips <- z:
	default:
	}
}
