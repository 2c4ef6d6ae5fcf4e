package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"

	"gatehouse/internal/fault"
)

const (
	maxBlob    = 256 << 20 // bytes of the largest blob that is read whole
	windowMax  = 8 << 20   // bytes of blobs that one window holds
	windowIDs  = 512       // blobs of one window
	readsAhead = 2         // windows that are read before whoever iterates wants them
	streamFrom = 1 << 20   // bytes from which a blob gets a process of its own
	maxStreams = 32        // blobs of one repository that are streamed at once
)

// Blob reads one blob whole; fault.NotFound when there is none, and
// fault.TooLarge above 256 MB. The caller must not change what it gets: it may
// be shared.
func (r *Repo) Blob(ctx context.Context, id ID) ([]byte, error) {
	for b, err := range r.Blobs(ctx, []ID{id}) {
		return b.Data, err
	}
	return nil, noBlob(id)
}

// Blobs reads many blobs, in the order of ids, ending at the first error. Some are
// read ahead, by several processes; none is held while the caller works on a
// blob. Errors are as in Blob.
func (r *Repo) Blobs(ctx context.Context, ids []ID) iter.Seq2[Blob, error] {
	return func(yield func(Blob, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		a := ahead{repo: r, ids: ids, size: windowIDs}
		defer a.wait() // after the cancel
		defer cancel()
		for {
			w, ok := a.next(ctx)
			if !ok {
				return
			}
			for i, data := range w.data {
				if !yield(Blob{w.ids[i], data}, nil) {
					return
				}
			}
			if w.err != nil {
				yield(Blob{}, w.err)
				return
			}
		}
	}
}

// window is what was read of some ids: of all, or of the first ones only, when
// they are many bytes or one of them failed.
type window struct {
	ids  []ID
	data [][]byte
	err  error
}

func (w window) bytes() (n int) {
	for _, data := range w.data {
		n += len(data)
	}
	return n
}

// ahead reads windows in the order of ids, some of them before they are wanted.
type ahead struct {
	repo  *Repo
	ids   []ID          // not asked for yet
	size  int           // of the next window, in ids
	rest  []ID          // of the window that came last, when it was not whole
	queue []chan window // asked for, in order
}

// next is the next window; ok is false after the last.
func (a *ahead) next(ctx context.Context) (w window, ok bool) {
	switch {
	case len(a.rest) > 0:
		w = a.repo.readWindow(ctx, a.rest[:min(len(a.rest), a.size)])
		a.rest = a.rest[len(w.ids):]
	case len(a.queue) == 0 && len(a.ids) <= a.size:
		if len(a.ids) == 0 {
			return window{}, false
		}
		w = a.repo.readWindow(ctx, a.ids)
		a.ids = nil
	default:
		for len(a.queue) < readsAhead && len(a.ids) > 0 {
			a.ask(ctx)
		}
		w = <-a.queue[0]
		a.queue = a.queue[1:]
	}
	// What is asked for and left is read in vain, so a window that was full says
	// how many to ask for next.
	if left := w.ids[len(w.data):]; len(left) > 0 && w.err == nil {
		a.rest = append(slices.Clip(left), a.rest...)
		a.size = len(w.data)
	} else if w.bytes() < windowMax/2 {
		a.size = min(2*a.size, windowIDs)
	}
	return w, true
}

// ask begins to read a window.
func (a *ahead) ask(ctx context.Context) {
	n := min(len(a.ids), a.size)
	ids, result := a.ids[:n], make(chan window, 1)
	a.ids, a.queue = a.ids[n:], append(a.queue, result)
	go func() { result <- a.repo.readWindow(ctx, ids) }()
}

// wait waits for what was asked for and is not wanted any more.
func (a *ahead) wait() {
	for _, result := range a.queue {
		<-result
	}
}

// errFull says that a window has all the bytes that it takes.
var errFull = errors.New("enough was read")

// readWindow reads the first of ids: at least one, and not many more bytes than
// windowMax. Beside an error it answers those before it.
func (r *Repo) readWindow(ctx context.Context, ids []ID) window {
	data, err := r.readFirst(ctx, ids)
	return window{ids, data, err}
}

func (r *Repo) readFirst(ctx context.Context, ids []ID) ([][]byte, error) {
	got := make([][]byte, len(ids))
	var names []string
	var where []int // index in ids of each name
	for i, id := range ids {
		if err := r.hash.check(id); err != nil {
			return r.upTo(ctx, ids, i, err)
		}
		if data, ok := r.objects().get(cachedBlob, id); ok {
			got[i] = data.([]byte)
			continue
		}
		names = append(names, string(id))
		where = append(where, i)
	}
	var total int64
	err := r.batch(ctx, "contents", names, func(n int, a answer, body io.Reader) error {
		i := where[n]
		if a.kind != "blob" {
			return &at{i, noBlob(ids[i])}
		}
		if a.size > maxBlob {
			return &at{i, fault.New(fault.TooLarge, "The file is larger than %d MB, the most that is read at once", maxBlob>>20)}
		}
		if total += a.size; total > windowMax && total > a.size {
			return errFull
		}
		got[i] = make([]byte, a.size)
		if _, err := io.ReadFull(body, got[i]); err != nil {
			return fmt.Errorf("%w: %w", errBroken, err)
		}
		r.objects().put(cachedBlob, ids[i], got[i], len(got[i]))
		return nil
	})
	if errors.Is(err, errFull) {
		err = nil
	}
	for i, data := range got {
		if data == nil {
			return got[:i], blame(err, i)
		}
	}
	return got, nil
}

// at is an error about one of several ids.
type at struct {
	index int
	error
}

func (e *at) Unwrap() error { return e.error }

// blame is err, unless it is about a later id than i: that one is read again
// when its turn comes.
func blame(err error, i int) error {
	var e *at
	if errors.As(err, &e) {
		if e.index > i {
			return nil
		}
		return e.error
	}
	return err
}

// upTo answers the window before a bad id at n.
func (r *Repo) upTo(ctx context.Context, ids []ID, n int, bad error) ([][]byte, error) {
	if n == 0 {
		return nil, bad
	}
	return r.readFirst(ctx, ids[:n])
}

func noBlob(id ID) error {
	return fault.New(fault.NotFound, "There is no file version %.70s in the repository", string(id))
}

// Sizes are the lengths of blobs in bytes; those that are missing are absent.
func (r *Repo) Sizes(ctx context.Context, ids []ID) (map[ID]int64, error) {
	sizes := make(map[ID]int64, len(ids))
	var names []string
	for _, id := range ids {
		if err := r.hash.check(id); err != nil {
			return nil, err
		}
		if size, ok := r.objects().get(cachedSize, id); ok {
			sizes[id] = size.(int64)
		} else {
			names = append(names, string(id))
		}
	}
	err := r.batch(ctx, "info", names, func(_ int, a answer, _ io.Reader) error {
		if a.kind == "blob" {
			sizes[a.id] = a.size
			r.objects().put(cachedSize, a.id, a.size, 8)
		}
		return nil
	})
	return sizes, err
}

// OpenBlob reads one blob of any size as a stream, and says its length. A large
// one has a process of its own, so that a slow reader holds up nobody. The
// stream ends with ctx, and must be closed.
func (r *Repo) OpenBlob(ctx context.Context, id ID) (io.ReadCloser, int64, error) {
	sizes, err := r.Sizes(ctx, []ID{id})
	if err != nil {
		return nil, 0, err
	}
	size, ok := sizes[id]
	if !ok {
		return nil, 0, noBlob(id)
	}
	if size >= streamFrom {
		s, err := r.stream(ctx, id, size)
		return s, size, err
	}
	data, err := r.Blob(ctx, id)
	return io.NopCloser(bytes.NewReader(data)), size, err
}
