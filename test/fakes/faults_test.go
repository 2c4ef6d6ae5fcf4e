package fakes

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestFaults(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *host) {
		h.Fail(Faults{Token: []string{"500", "garbage", "error:bad_thing", "array", "", "reset", "hang"}})
		if a := h.redeem(h.code()); a.status != 500 {
			t.Errorf("500: %d", a.status)
		}
		if a := h.redeem(h.code()); a.status != 200 || a.fields != nil {
			t.Errorf("garbage: %d %s", a.status, a.text)
		}
		h.refused(h.redeem(h.code()), "bad_thing")
		if a := h.redeem(h.code()); !strings.HasPrefix(a.text, "[") {
			t.Errorf("array: %s", a.text)
		}
		if a := h.redeem(h.code()); a.get("access_token") == "" {
			t.Errorf("none: %s", a.text)
		}
		_ = h.Close() // ends what hangs
		for _, fault := range []string{"reset", "hang"} {
			if res, err := http.Post(h.url+h.TokenPath, "", nil); err == nil {
				res.Body.Close()
				t.Errorf("%s: an answer came", fault)
			}
		}
		record := h.Record()
		if record.Tokens != 7 || record.Requests[0].Client != "app" || !record.Requests[0].Verifier ||
			record.Requests[0].Basic != h.BasicOnly || record.Requests[0].Fault != "500" {
			t.Errorf("%+v", record)
		}
	})
}

func TestFaultsOfThePages(t *testing.T) {
	t.Parallel()
	h := start(t, GitHub())
	less := "public_repo"
	h.Fail(Faults{COOP: "same-origin-allow-popups", Scope: &less, Issuer: "https://evil.example"})
	res, err := http.Get(h.authorizeURL())
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if got := res.Header.Get("Cross-Origin-Opener-Policy"); got != "same-origin-allow-popups" {
		t.Errorf("COOP %q", got)
	}
	u, _ := url.Parse(h.Approve(h.authorizeURL(), "ann"))
	if u.Query().Get("iss") != "https://evil.example" {
		t.Errorf("%s", u)
	}
	if a := h.redeem(u.Query().Get("code")); a.get("scope") != "public_repo" {
		t.Errorf("%s", a.text)
	}

	h.Fail(Faults{COOPHop: true})
	c := browser(t)
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	res, err = c.Get(h.authorizeURL())
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	to, err := res.Location()
	if err != nil || res.Header.Get("Cross-Origin-Opener-Policy") != "same-origin" || to.Path != h.AuthorizePath {
		t.Fatalf("%v %v", to, err)
	}
	if body, _ := visit(t, c, to.String(), nil); !strings.Contains(body, "Who do you want to be?") {
		t.Errorf("after the hop: %s", body)
	}
}

func TestControl(t *testing.T) {
	t.Parallel()
	h := start(t, GitLab())
	a := h.redeem(h.code())
	post := func(body string) answer {
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, h.url+"/-/control", strings.NewReader(body))
		return h.send(req)
	}
	if got := post(`{"nonsense": 1}`); got.status != http.StatusBadRequest {
		t.Errorf("nonsense: %d", got.status)
	}
	got := post(`{"faults": {"token": ["503"]}, "expire_all": true}`)
	if got.status != http.StatusOK || !strings.Contains(got.text, a.get("access_token")) || !strings.Contains(got.text, verifier) {
		t.Errorf("record: %s", got.text)
	}
	if _, err := h.call("Bearer " + a.get("access_token")); !errors.Is(err, ExpiredToken) {
		t.Errorf("expire_all: %v", err)
	}
	if a := h.redeem(h.code()); a.status != 503 {
		t.Errorf("fault: %d", a.status)
	}
	post(`{"reset": true, "forget": true}`)
	if r := h.Record(); r.Tokens != 0 || len(r.Issued.Access) != 0 {
		t.Errorf("after a reset: %+v", r)
	}
}
