package content

import (
	"compress/gzip"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"gatehouse/internal/fault"
	"gatehouse/internal/site"
)

func bareHandler() *Handler {
	h := &Handler{Site: &site.Site{Name: "blog"}, Log: slog.New(slog.DiscardHandler)}
	h.Mount(http.NewServeMux())
	return h
}

func TestLongAnswersAreZippedForOtherMachines(t *testing.T) {
	long := strings.Repeat("word ", whole)
	tests := []struct {
		name, from, accept, text string
		zipped                   bool
	}{
		{"another machine", "192.0.2.7:5000", "gzip, deflate, br", long, true},
		{"this machine", "127.0.0.1:5000", "gzip", long, false},
		{"this machine, version 6", "[::1]:5000", "gzip", long, false},
		{"short", "192.0.2.7:5000", "gzip", "word", false},
		{"not wanted", "192.0.2.7:5000", "", long, false},
		{"refused", "192.0.2.7:5000", "gzip;q=0, br", long, false},
		{"little wanted", "192.0.2.7:5000", "br, gzip;q=0.1", long, true},
	}
	h := bareHandler()
	for _, tt := range tests {
		r := httptest.NewRequest(http.MethodPost, "/api/v1", nil)
		r.RemoteAddr = tt.from
		r.Header.Set("Accept-Encoding", tt.accept)
		w := httptest.NewRecorder()
		h.answer(w, r, message{tt.text})
		zipped := w.Header().Get("Content-Encoding") == "gzip"
		if zipped != tt.zipped {
			t.Errorf("%s: zipped is %v", tt.name, zipped)
			continue
		}
		var body io.Reader = w.Body
		if zipped {
			var err error
			if body, err = gzip.NewReader(body); err != nil {
				t.Fatal(err)
			}
		}
		text, err := io.ReadAll(body)
		if want := `{"message":"` + tt.text + `"}` + "\n"; err != nil || string(text) != want {
			t.Errorf("%s: %d bytes, want %d (%v)", tt.name, len(text), len(want), err)
		}
	}
}

// A listing that fails after 32 kB must not end like a whole one: a client would
// take what is missing for deleted.
func TestHalfAnAnswerIsCutOff(t *testing.T) {
	h := bareHandler()
	defer func() {
		if err, _ := recover().(error); !errors.Is(err, http.ErrAbortHandler) {
			t.Error("the connection stays open")
		}
	}()
	h.answer(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/api/v1", nil), stream(func(w io.Writer) error {
		if _, err := io.WriteString(w, strings.Repeat("x", whole+1)); err != nil {
			return err
		}
		return errors.New("the disk is gone")
	}))
}

func TestAnEarlyFailureIsStillAnAnswer(t *testing.T) {
	w := httptest.NewRecorder()
	bareHandler().answer(w, httptest.NewRequest(http.MethodPost, "/api/v1", nil), stream(func(w io.Writer) error {
		if _, err := io.WriteString(w, "["); err != nil {
			return err
		}
		return fault.New(fault.NotFound, "It is gone.")
	}))
	if w.Code != 404 || w.Body.String() != `{"error":"It is gone."}` {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestFailuresShowNoCause(t *testing.T) {
	secret := errors.New("dial tcp 10.0.0.1: password hunter2")
	tests := []struct {
		err    error
		status int
		body   string
	}{
		{secret, 500, `{"error":"Something went wrong on the server. It has been logged; try again, and tell the operator if it stays."}`},
		{fault.Wrap(fault.Unavailable, secret, "Try again."), 503, `{"error":"Try again."}`},
		{fault.New(fault.Unsupported, "No."), 422, `{"error":"No."}`},
		{fault.New(fault.Invalid, "Mend it."), 422, `{"error":"Mend it."}`},
		{fault.New(fault.TooLarge, "Too much."), 413, `{"error":"Too much."}`},
		{&fault.Error{Kind: fault.Conflict, Message: "Bob changed it.", Paths: []string{"a.md"}}, 409, `{"error":"Bob changed it.","paths":["a.md"]}`},
	}
	h := bareHandler()
	for _, tt := range tests {
		w := httptest.NewRecorder()
		h.fail(w, httptest.NewRequest(http.MethodPost, "/api/v1", nil), tt.err)
		if w.Code != tt.status || w.Body.String() != tt.body {
			t.Errorf("%v: %d %s", tt.err, w.Code, w.Body)
		}
	}
}
