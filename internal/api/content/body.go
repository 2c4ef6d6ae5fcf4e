package content

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"time"

	"gatehouse/internal/fault"
)

const (
	smallBody   = 1 << 20          // read straight into memory
	largeBodies = 2                // larger ones in memory at a time
	bodyWait    = 30 * time.Second // for a place among them
	bodyTime    = 5 * time.Minute  // for the client to send it
)

// read reads a request's body. A large one is first put into a file, so that a
// slow upload holds no memory, and then waits for its place in memory; release
// gives the place back.
func (h *Handler) read(w http.ResponseWriter, r *http.Request) (body []byte, release func(), err error) {
	if r.ContentLength > maxBody {
		return nil, nil, tooLarge()
	}
	// Where the connection takes no deadline, the server's own has to do.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTime))
	from := http.MaxBytesReader(w, r.Body, maxBody)
	if r.ContentLength >= 0 && r.ContentLength <= smallBody {
		body, err = readSized(from, r.ContentLength)
		return body, func() {}, bodyFault(err)
	}
	spool, size, err := spool(from)
	if err != nil {
		return nil, nil, bodyFault(err)
	}
	defer func() { _ = spool.Close() }() // it has no name any more
	if err := h.takePlace(r.Context()); err != nil {
		return nil, nil, err
	}
	release = func() { <-h.large }
	if body, err = readSized(spool, size); err != nil {
		release()
		return nil, nil, err
	}
	return body, release, nil
}

// readSized reads exactly what is there, without growing step by step.
func readSized(from io.Reader, size int64) ([]byte, error) {
	body := make([]byte, size)
	_, err := io.ReadFull(from, body)
	return body, err
}

// spool copies a body into a file that is gone when it is closed.
func spool(from io.Reader) (*os.File, int64, error) {
	f, err := os.CreateTemp("", "gatehouse-upload-")
	if err != nil {
		return nil, 0, err
	}
	if err := os.Remove(f.Name()); err != nil {
		_ = f.Close()
		return nil, 0, err
	}
	size, err := io.Copy(f, from)
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		_ = f.Close() // the copy's error says more
		return nil, 0, err
	}
	return f, size, nil
}

// takePlace waits for a place for a large body.
func (h *Handler) takePlace(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, bodyWait)
	defer cancel()
	select {
	case h.large <- struct{}{}:
		return nil
	case <-ctx.Done():
		return &fault.Error{Kind: fault.Unavailable, Message: "Many large files are being saved at this moment. Try again in a minute.", RetryAfter: time.Minute, Err: ctx.Err()}
	}
}

func tooLarge() error {
	return fault.New(fault.TooLarge, "This is larger than the limit of %d MB for one save. Use smaller files, or fewer at a time.", maxBody>>20)
}

// bodyFault says what went wrong while a client sent its body; our own trouble
// with a file stays as it is.
func bodyFault(err error) error {
	var tooMany *http.MaxBytesError
	var path *os.PathError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &tooMany):
		return tooLarge()
	case errors.As(err, &path):
		return err
	}
	return fault.Wrap(fault.Invalid, err, "The request was cut off before all of it had arrived. Try again.")
}
