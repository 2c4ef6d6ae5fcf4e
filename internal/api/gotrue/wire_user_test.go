package gotrue

import (
	"strings"
	"testing"
	"time"

	"gatehouse/internal/identity"
)

// annJSON is ann, with more fields, other user metadata, and updated at some time.
func (w *town) annJSON(fields, metadata, updated string) string {
	return `{"id":"` + w.ids["ann"] + `","aud":"blog","role":"","email":"ann@example.org","confirmed_at":"` + begun + `",` + fields +
		`"last_sign_in_at":"` + begun + `","app_metadata":{"provider":"email","roles":["editor","translator"]},` +
		`"user_metadata":` + metadata + `,"created_at":"` + begun + `","updated_at":"` + updated + `"}`
}

func TestWireOfUser(t *testing.T) {
	w := newTown(t)
	w.bearer(t, "ann")
	w.bearer(t, "adam")
	w.clock.Advance(time.Minute)
	const now = "2026-03-01T09:01:00Z"
	const later = "2026-03-01T09:03:00Z"
	waiting := `"new_email":"new@example.org","email_change_sent_at":"` + now + `",`
	w.run(t, []exchange{
		{name: "nobody", call: "GET /user", status: 401, answer: "{e This endpoint requires a Bearer token}"},
		{name: "another scheme", call: "GET /user", headers: []string{"Authorization", "Basic eDp5"}, status: 401, answer: "{e This endpoint requires a Bearer token}"},
		{name: "another audience", as: "ann", call: "GET /user", headers: []string{"X-JWT-AUD", "shop"}, status: 400, answer: "{e Token audience doesn't match request audience}"},
		{name: "ann", as: "ann", call: "GET /user", headers: []string{"X-Nf-Client", "gotrue-js", "X-Use-Cookie", "1"}, status: 200, answer: w.annJSON("", `{"full_name":"Ann Lee"}`, begun)},
		{name: "nothing", as: "ann", call: "PUT /user", body: `{}`, status: 200, answer: w.annJSON("", `{"full_name":"Ann Lee"}`, now)},
		{name: "data are merged", as: "ann", call: "PUT /user", body: `{"data":{"colour":"blue","n":1}}`, status: 200, answer: w.annJSON("", `{"colour":"blue","full_name":"Ann Lee","n":1}`, now)},
		{name: "null takes away", as: "ann", call: "PUT /user", body: `{"data":{"colour":null,"full_name":"Ann L."}}`, status: 200, answer: w.annJSON("", `{"full_name":"Ann L.","n":1}`, now)},
		{name: "no JSON", as: "ann", call: "PUT /user", body: `{`, status: 400, answer: "{e Could not read User Update params: the body is not the JSON of this request}"},
		{name: "app_metadata", as: "ann", call: "PUT /user", body: `{"app_metadata":{"roles":["admin"]},"data":{"n":2}}`, status: 401, answer: "{e Updating app_metadata requires admin privileges}"},
		{name: "fields that are not for users", as: "ann", call: "PUT /user", body: `{"role":"admin","aud":"shop","id":"1","is_super_admin":true,"confirmed_at":null,"roles":["admin"],"operator":true}`, status: 200, answer: w.annJSON("", `{"full_name":"Ann L.","n":1}`, now)},
		{name: "the same address", as: "ann", call: "PUT /user", body: `{"email":"ANN@example.org"}`, status: 200, answer: w.annJSON("", `{"full_name":"Ann L.","n":1}`, now)},
		{name: "no address", as: "ann", call: "PUT /user", body: `{"email":"ann"}`, status: 422, answer: `{e "ann" is no e-mail address. Give it as name@example.org.}`},
		{name: "another address", as: "ann", call: "PUT /user", body: `{"email":"new@example.org"}`, status: 200, answer: w.annJSON(waiting, `{"full_name":"Ann L.","n":1}`, now)},
		{name: "a wrong token", as: "ann", call: "PUT /user", body: `{"email_change_token":"x"}`, status: 401, answer: "{e Email Change Token didn't match token on file}"},
		{name: "the token of somebody else", as: "adam", call: "PUT /user", body: `{"email_change_token":"{token new@example.org}"}`, status: 401, answer: "{e Email Change Token didn't match token on file}"},
		// GoTrue: 422 Email address already registered by another user.
		{name: "a taken address", after: 2 * time.Minute, as: "ann", call: "PUT /user", body: `{"email":"bea@example.org"}`, status: 200, answer: w.annJSON(`"new_email":"bea@example.org","email_change_sent_at":"`+later+`",`, `{"full_name":"Ann L.","n":1}`, later)},
		{name: "the token", as: "ann", call: "PUT /user", body: `{"email_change_token":"{token new@example.org}"}`, status: 200, answer: strings.Replace(w.annJSON("", `{"full_name":"Ann L.","n":1}`, later), "ann@", "new@", 1)},
		{name: "the token again", as: "ann", call: "PUT /user", body: `{"email_change_token":"{token new@example.org}"}`, status: 401, answer: "{e Email Change Token didn't match token on file}"},
		// GoTrue takes any password.
		{name: "a weak password", as: "ann", call: "PUT /user", body: `{"password":"short"}`, status: 422, answer: "{e The password is too short: it needs 10 characters or more.}"},
		{name: "an empty password", as: "ann", call: "PUT /user", body: `{"password":""}`, status: 200, answer: strings.Replace(w.annJSON("", `{"full_name":"Ann L.","n":1}`, later), "ann@", "new@", 1)},
		{name: "a password", as: "ann", call: "PUT /user", body: `{"password":"` + newPassword + `"}`, status: 200, answer: strings.Replace(w.annJSON("", `{"full_name":"Ann L.","n":1}`, later), "ann@", "new@", 1)},
		{name: "the same session", as: "ann", call: "GET /user", status: 200, answer: strings.Replace(w.annJSON("", `{"full_name":"Ann L.","n":1}`, later), "ann@", "new@", 1)},
		// An administrator's own roles.
		{name: "no role", as: "adam", call: "PUT /user", body: `{"app_metadata":{"roles":["a b"]},"data":{"n":2}}`, status: 422, answer: `{e "a b" cannot be a role. A role has 1 to 64 letters, digits, hyphens and underscores; the built-in ones are admin, publisher, editor, contributor, reader.}`},
		{name: "own roles", as: "adam", call: "PUT /user", body: `{"app_metadata":{"provider":"x","roles":["admin","designer"]}}`, status: 200, answer: `{"id":"{id adam}","aud":"blog","role":"","email":"adam@example.org","confirmed_at":"` + begun + `","last_sign_in_at":"` + begun + `","app_metadata":{"provider":"email","roles":["admin","designer"]},"user_metadata":{"full_name":"Adam"},"created_at":"` + begun + `","updated_at":"` + later + `"}`},
		{name: "sign out", as: "ann", call: "POST /logout", status: 204, answer: ""},
		{name: "signed out", as: "ann", call: "GET /user", status: 401, answer: "{e Invalid token: You are not signed in, or your sign-in has expired. Sign in again.}"},
		{name: "sign out again", as: "ann", call: "POST /logout", status: 401, answer: "{e Invalid token: You are not signed in, or your sign-in has expired. Sign in again.}"},
	})
	if !w.signsIn(t, "new@example.org", newPassword) || w.signsIn(t, email, password) {
		t.Error("the new pair does not sign in, or the old one does")
	}
	check(t, w.people.ChangeEmail(t.Context(), w.ids["adam"], "blog", "late@example.org"))
	late := w.mailed(t, "late@example.org")
	w.clock.Advance(25 * time.Hour)
	delete(w.bearers, "adam")
	w.run(t, []exchange{
		{name: "an old token", as: "adam", call: "PUT /user", body: `{"email_change_token":"` + late + `"}`, status: 422, answer: "{e Email change token expired}"},
	})
}

// Data are the client's own, but bounded.
func TestDataOfAUserAreBounded(t *testing.T) {
	w := newTown(t)
	w.run(t, []exchange{
		{name: "too large", as: "ann", call: "PUT /user", body: `{"data":{"x":"` + strings.Repeat("x", 20<<10) + `"}}`, status: 413, answer: "{e The data of the account is too large: it may have 16 KB.}"},
		{name: "no name", as: "ann", call: "PUT /user", body: `{"data":{"full_name":"a<b>"}}`, status: 422, answer: "{e The name must be one line of text without < and >.}"},
	})
}

func TestNameInMetadata(t *testing.T) {
	for _, c := range []struct {
		data map[string]any
		want any
	}{
		{nil, nil},
		{map[string]any{"name": "x"}, nil},
		{map[string]any{"full_name": "Ann"}, "Ann"},
		{map[string]any{"full_name": nil}, ""},
		{map[string]any{"full_name": 7}, nil},
	} {
		got := nameIn(c.data)
		if (got == nil) != (c.want == nil) || got != nil && *got != c.want {
			t.Errorf("%v: %v, want %v", c.data, got, c.want)
		}
	}
	if u := userMetadata(identity.User{Name: "Ann", Metadata: map[string]any{"full_name": 7}}); u["full_name"] != "Ann" {
		t.Errorf("metadata are %v", u)
	}
}
