package content

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"gatehouse/internal/auth"
	"gatehouse/internal/fault"
)

// pipeBody is a body whose length is not announced.
type pipeBody struct{ io.Reader }

func TestBodies(t *testing.T) {
	h := bareHandler()
	medium := strings.Repeat("x", smallBody+1)
	tests := []struct {
		name   string
		body   io.Reader
		length int64
		kind   fault.Kind
		want   string
	}{
		{"small", strings.NewReader("{}"), 2, 0, "{}"},
		{"empty", strings.NewReader(""), 0, 0, ""},
		{"larger", strings.NewReader(medium), int64(len(medium)), 0, medium},
		{"without a length", pipeBody{strings.NewReader("{}")}, -1, 0, "{}"},
		{"announced too large", strings.NewReader(""), maxBody + 1, fault.TooLarge, ""},
		{"too large without saying", io.LimitReader(zeros{}, maxBody+1), -1, fault.TooLarge, ""},
		{"cut off", pipeBody{strings.NewReader("{")}, 2, fault.Invalid, ""},
	}
	for _, tt := range tests {
		r := httptest.NewRequest(http.MethodPost, "/api/v1", tt.body)
		r.ContentLength = tt.length
		body, release, err := h.read(httptest.NewRecorder(), r)
		if tt.kind != 0 {
			if !fault.Is(err, tt.kind) {
				t.Errorf("%s: %v, want a fault that is %v", tt.name, err, tt.kind)
			}
			continue
		}
		if err != nil || string(body) != tt.want {
			t.Errorf("%s: %d bytes, %v", tt.name, len(body), err)
			continue
		}
		release()
	}
	if len(h.large) != 0 {
		t.Errorf("%d places for large bodies were not given back", len(h.large))
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

func TestLargeBodiesWaitForTheirTurn(t *testing.T) {
	h := bareHandler()
	for range largeBodies {
		if err := h.takePlace(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := h.takePlace(ctx); !fault.Is(err, fault.Unavailable) {
		t.Errorf("one more than the memory is meant for: %v", err)
	}
	<-h.large
	if err := h.takePlace(context.Background()); err != nil {
		t.Errorf("a free place is not taken: %v", err)
	}
}

// A stranger's body must not be read, let alone decoded.
func TestNobodyIsReadBeforeTheyAreKnown(t *testing.T) {
	tests := []struct {
		who    auth.Principal
		err    error
		status int
		body   string
	}{
		{err: fault.New(fault.Unauthenticated, "Sign in first."), status: 401, body: `{"error":"Sign in first."}`},
		{who: auth.Principal{Email: "eve@example.org"}, status: 403, body: `{"error":"You are signed in as eve@example.org, which has no access to blog. Ask an administrator of the site to add you."}`},
	}
	for _, tt := range tests {
		h := bareHandler()
		h.Principal = func(*http.Request) (auth.Principal, error) { return tt.who, tt.err }
		body := &untouchable{}
		w := httptest.NewRecorder()
		h.serve(w, httptest.NewRequest(http.MethodPost, "/api/v1", body))
		if w.Code != tt.status || w.Body.String() != tt.body {
			t.Errorf("%d %s, want %d", w.Code, w.Body, tt.status)
		}
		if body.touched {
			t.Errorf("%d: the body was read", tt.status)
		}
	}
}

type untouchable struct{ touched bool }

func (u *untouchable) Read([]byte) (int, error) {
	u.touched = true
	return 0, errors.New("somebody read the body")
}
