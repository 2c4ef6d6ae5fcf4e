package gotrue

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
)

// personJSON is somebody of town at the beginning. Fields come between the
// address and app_metadata.
func (w *town) personJSON(name, fields, roles, metadata string) string {
	return `{"id":"` + w.ids[name] + `","aud":"blog","role":"","email":"` + name + `@example.org",` + fields +
		`"app_metadata":{"provider":"email","roles":[` + roles + `]},"user_metadata":` + metadata + `,"created_at":"` + begun + `","updated_at":"` + begun + `"}`
}

const confirmed = `"confirmed_at":"` + begun + `",`

func TestWireOfAdminUsers(t *testing.T) {
	w := newTown(t)
	w.bearer(t, "adam")
	bea := w.personJSON("bea", confirmed+`"last_sign_in_at":"`+begun+`",`, `"reader"`, `{"full_name":"Bea"}`)
	const notYours = "{e bea@example.org belongs to more than this site, so that only an operator may change the account. Roles at this site, and removing from it, are yours.}"
	made := `{"id":"{uuid}","aud":"blog","role":"","email":"max@example.org",` + confirmed + `"app_metadata":{"provider":"email","roles":["editor"]},"user_metadata":{"full_name":"Max"},"created_at":"` + begun + `","updated_at":"` + begun + `"}`
	w.run(t, []exchange{
		{name: "nobody", call: "GET /admin/users", status: 401, answer: "{e This endpoint requires a Bearer token}"},
		{name: "an editor", as: "ann", call: "GET /admin/users", status: 401, answer: "{e User not allowed}"},
		{name: "an editor makes one", as: "ann", call: "POST /admin/users", body: `{}`, status: 401, answer: "{e User not allowed}"},
		// An administrator of another site.
		{name: "a stranger", as: "bea", call: "GET /admin/users/{id ann}", status: 401, answer: "{e User not allowed}"},
		{name: "one", as: "adam", call: "GET /admin/users/{id bea}", status: 200, answer: bea},
		{name: "no id", as: "adam", call: "GET /admin/users/export", status: 400, answer: "{e user_id must be an UUID}"},
		{name: "an unknown id", as: "adam", call: "GET /admin/users/00000000-0000-4000-8000-000000000000", status: 404, answer: "{e User not found}"},
		// Who is not the site's does not exist there.
		{name: "another site's", as: "adam", call: "GET /admin/users/{id shopkeeper}", status: 404, answer: "{e User not found}"},
		{name: "another site's, changed", as: "adam", call: "PUT /admin/users/{id shopkeeper}", body: `{"app_metadata":{"roles":["admin"]}}`, status: 404, answer: "{e User not found}"},
		{name: "another site's, removed", as: "adam", call: "DELETE /admin/users/{id shopkeeper}", status: 404, answer: "{e User not found}"},
		// GoTrue ignores app_metadata here, and stores role.
		{name: "make", as: "adam", call: "POST /admin/users", body: `{"email":"Max@example.org","password":"` + newPassword + `","confirm":true,"role":"admin","aud":"shop","is_super_admin":true,"user_metadata":{"full_name":"Max"},"app_metadata":{"roles":["editor"],"provider":"x"}}`, status: 200, answer: made},
		{name: "make again", as: "adam", call: "POST /admin/users", body: `{"email":"max@example.org"}`, status: 422, answer: "{e Email address already registered by another user}"},
		{name: "make without an address", as: "adam", call: "POST /admin/users", body: `{}`, status: 422, answer: "{e An email address is required}"},
		{name: "roles that are none", as: "adam", call: "POST /admin/users", body: `{"email":"a@example.org","app_metadata":{"roles":"admin"}}`, status: 400, answer: "{e Could not read admin user params: the body is not the JSON of this request}"},
		{name: "the account of who belongs elsewhere", as: "adam", call: "PUT /admin/users/{id bea}", body: `{"password":"` + newPassword + `"}`, status: 403, answer: notYours},
		{name: "their address", as: "adam", call: "PUT /admin/users/{id bea}", body: `{"email":"b@example.org"}`, status: 403, answer: notYours},
		{name: "their metadata", as: "adam", call: "PUT /admin/users/{id bea}", body: `{"user_metadata":{"full_name":"B"}}`, status: 403, answer: notYours},
		{name: "the account of an operator", as: "adam", call: "PUT /admin/users/{id root}", body: `{"password":"` + newPassword + `"}`, status: 404, answer: "{e User not found}"},
		// A console sends back what it got.
		{name: "their roles, with the rest as it was", as: "adam", call: "PUT /admin/users/{id bea}", body: strings.Replace(bea, `"reader"`, `"editor"`, 1), status: 200, answer: strings.Replace(bea, `"reader"`, `"editor"`, 1)},
		{name: "no roles", as: "adam", call: "PUT /admin/users/{id bea}", body: `{"app_metadata":{"roles":null}}`, status: 200, answer: strings.Replace(bea, `"reader"`, ``, 1)},
		{name: "app_metadata without roles", as: "adam", call: "PUT /admin/users/{id bea}", body: `{"app_metadata":{"provider":"x"}}`, status: 200, answer: strings.Replace(bea, `"reader"`, ``, 1)},
		{name: "no role", as: "adam", call: "PUT /admin/users/{id ann}", body: `{"email":"ann2@example.org","app_metadata":{"roles":["a b"]}}`, status: 422, answer: `{e "a b" cannot be a role. A role has 1 to 64 letters, digits, hyphens and underscores; the built-in ones are admin, publisher, editor, contributor, reader.}`},
		{name: "all of an account", after: time.Minute, as: "adam", call: "PUT /admin/users/{id ann}", body: `{"email":"ann2@example.org","password":"` + newPassword + `","role":"admin","app_metadata":{"roles":["admin"]},"user_metadata":{"full_name":"Ann","x":1}}`, status: 200, answer: `{"id":"{id ann}","aud":"blog","role":"","email":"ann2@example.org","confirmed_at":"` + begun + `","last_sign_in_at":"` + begun + `","app_metadata":{"provider":"email","roles":["admin"]},"user_metadata":{"full_name":"Ann","x":1},"created_at":"` + begun + `","updated_at":"2026-03-01T09:01:00Z"}`},
		// GoTrue lets an address be taken twice.
		{name: "an address that is taken", as: "adam", call: "PUT /admin/users/{id ann}", body: `{"email":"shopkeeper@example.org"}`, status: 422, answer: "{e Email address already registered by another user}"},
		{name: "take from the site", as: "adam", call: "DELETE /admin/users/{id bea}", status: 200, answer: "{}"},
		{name: "again", as: "adam", call: "DELETE /admin/users/{id bea}", status: 404, answer: "{e User not found}"},
		{name: "the last site", as: "adam", call: "DELETE /admin/users/{id ann}", status: 200, answer: "{}"},
		{name: "an operator", as: "root", call: "GET /admin/users/{id shopkeeper}", status: 200, answer: w.personJSON("shopkeeper", confirmed, "", "{}")},
	})
	if _, err := w.people.User(t.Context(), w.ids["bea"]); err != nil {
		t.Errorf("who belongs to another site is gone: %v", err)
	}
	if _, err := w.people.User(t.Context(), w.ids["ann"]); err == nil {
		t.Error("an account without a site is left")
	}
	if !w.signsIn(t, "max@example.org", newPassword) {
		t.Error("the account that was made signs nobody in")
	}
	if u, err := w.people.ByEmail(t.Context(), "max@example.org"); err != nil || u.Operator || len(u.Roles["shop"]) != 0 {
		t.Errorf("more was made than was allowed: %+v (%v)", u, err)
	}
}

func TestWireOfInvite(t *testing.T) {
	w := newTown(t)
	ida := func(roles, sent string) string {
		return `{"id":"{uuid}","aud":"blog","role":"","email":"ida@example.org","invited_at":"` + sent + `","confirmation_sent_at":"` + sent + `","app_metadata":{"provider":"email","roles":[` + roles + `]},` +
			`"user_metadata":{"full_name":"Ida"},"created_at":"` + begun + `","updated_at":"` + sent + `","invite_link":"https://cms.example.org/s/blog/account/invite#token={any}"}`
	}
	w.run(t, []exchange{
		{name: "nobody", call: "POST /invite", body: `{"email":"ida@example.org"}`, status: 401, answer: "{e This endpoint requires a Bearer token}"},
		{name: "an editor", as: "ann", call: "POST /invite", body: `{"email":"ida@example.org"}`, status: 401, answer: "{e User not allowed}"},
		{name: "no address", as: "adam", call: "POST /invite", body: `{}`, status: 422, answer: "{e An email address is required}"},
		{name: "invite", as: "adam", call: "POST /invite", body: `{"email":"ida@example.org","data":{"full_name":"Ida"},"role":"admin"}`, status: 200, answer: ida("", begun)},
		// GoTrue: 422, and the invitation can never be sent again.
		{name: "again, with roles", after: 2 * time.Minute, as: "adam", call: "POST /invite", body: `{"email":"ida@example.org","app_metadata":{"roles":["editor"]}}`, status: 200, answer: ida(`"editor"`, "2026-03-01T09:02:00Z")},
		{name: "again at once", as: "adam", call: "POST /invite", body: `{"email":"ida@example.org"}`, status: 429, answer: "{e Rate limit exceeded. A mail was asked for just now, or too many were. Look into the mailbox, or try again in 60 seconds.}"},
		{name: "a member", as: "adam", call: "POST /invite", body: `{"email":"ann@example.org"}`, status: 422, answer: "{e Email address already registered by another user}"},
		// GoTrue has one site.
		{name: "a person of another site", as: "adam", call: "POST /invite", body: `{"email":"shopkeeper@example.org","app_metadata":{"roles":["reader"]}}`, status: 200, answer: w.personJSON("shopkeeper", confirmed, `"reader"`, "{}")},
	})
	w.run(t, []exchange{
		{name: "accept", call: "POST /verify", body: `{"type":"signup","token":"{token ida@example.org}","password":"` + newPassword + `"}`, status: 200, answer: "{grant}"},
	})
	// Where the server sends mails, a site's administrator never sees the link.
	w.people.Mail.SMTP = "smtp://127.0.0.1:9"
	got := do(w.blog, http.MethodPost, "/invite", "application/json", `{"email":"ivo@example.org"}`, "Authorization", w.bearer(t, "adam"))
	if got.Code != http.StatusOK || strings.Contains(got.Body.String(), "token") {
		t.Errorf("answer is %d %s", got.Code, got.Body)
	}
}

func TestWireOfLists(t *testing.T) {
	w := newTown(t)
	list := func(as, query string) (emails []string, h http.Header) {
		t.Helper()
		got := do(w.blog, http.MethodGet, "/admin/users"+query, "", "", "Authorization", w.bearer(t, as))
		var body struct {
			Audience string `json:"aud"`
			Users    []struct {
				Email string `json:"email"`
			} `json:"users"`
		}
		if got.Code != http.StatusOK || json.Unmarshal(got.Body.Bytes(), &body) != nil || body.Audience != "blog" || body.Users == nil {
			t.Fatalf("%s: %d %s", query, got.Code, got.Body)
		}
		for _, u := range body.Users {
			emails = append(emails, strings.TrimSuffix(u.Email, "@example.org"))
		}
		return emails, got.Header()
	}
	for _, c := range []struct{ query, emails, link, total string }{
		{"?sort=email%20asc", "adam ann bea", `<` + Prefix + `/admin/users?page=1&sort=email+asc>; rel="last"`, "3"},
		{"?sort=name", "bea ann adam", "", "3"},
		{"?page=1&per_page=2&sort=email%20asc", "adam ann", `<` + Prefix + `/admin/users?page=2&per_page=2&sort=email+asc>; rel="next", <` + Prefix + `/admin/users?page=2&per_page=2&sort=email+asc>; rel="last"`, "3"},
		{"?page=2&per_page=2&sort=email%20asc", "bea", `<` + Prefix + `/admin/users?page=2&per_page=2&sort=email+asc>; rel="last"`, "3"},
		{"?page=9", "", `<` + Prefix + `/admin/users?page=1>; rel="last"`, "3"},
		{"?filter=LEE", "ann", "", "1"}, // the name
		{"?filter=be%25", "", "", "0"},  // no pattern
		{"?filter=shop", "", "", "0"},   // who is not the site's
	} {
		emails, h := list("adam", c.query)
		if strings.Join(emails, " ") != c.emails || h.Get("X-Total-Count") != c.total || c.link != "" && h.Get("Link") != c.link {
			t.Errorf("%s: %v of %s, Link %s", c.query, emails, h.Get("X-Total-Count"), h.Get("Link"))
		}
	}
	if emails, _ := list("root", ""); len(emails) != 3 {
		t.Errorf("an operator sees %v", emails)
	}
	w.run(t, []exchange{
		// The words after the colon are GoTrue's but for what its parser says.
		{name: "page 0", as: "adam", call: "GET /admin/users?page=0", status: 400, answer: "{e Bad Pagination Parameters: page and per_page are numbers from 1}"},
		{name: "no page", as: "adam", call: "GET /admin/users?per_page=x", status: 400, answer: "{e Bad Pagination Parameters: page and per_page are numbers from 1}"},
		{name: "no such field", as: "adam", call: "GET /admin/users?sort=password", status: 400, answer: "{e Bad Sort Parameters: bad field for sort 'password'}"},
		{name: "no such direction", as: "adam", call: "GET /admin/users?sort=created_at%20up", status: 400, answer: "{e Bad Sort Parameters: bad direction for sort 'up', only 'asc' and 'desc' allowed}"},
		{name: "a long filter", as: "adam", call: "GET /admin/users?filter=" + strings.Repeat("x", 300), status: 422, answer: "{e The text to look for is too long.}"},
	})
}

func TestWireOfAudit(t *testing.T) {
	w := newTown(t)
	w.clock.Advance(time.Minute)
	check(t, w.people.Recover(t.Context(), "blog", email, w.from()))
	check(t, w.people.Recover(t.Context(), "shop", "bea@example.org", w.from()))
	w.people.Wait()
	const asked = `{"id":"{n}","payload":{"action":"user_recovery_requested","actor_email":"ann@example.org","log_type":"user","timestamp":"2026-03-01T09:01:00Z"},"created_at":"2026-03-01T09:01:00Z"}`
	const roles = `{"id":"{n}","payload":{"action":"roles_changed","actor_email":"adam@example.org","log_type":"team","timestamp":"2026-03-01T09:01:00Z","traits":{"user_email":"bea@example.org"}},"created_at":"2026-03-01T09:01:00Z"}`
	got := do(w.blog, http.MethodPut, w.fill(t, "/admin/users/{id bea}"), "application/json", `{"app_metadata":{"roles":["editor"]}}`, "Authorization", w.bearer(t, "adam"))
	if got.Code != http.StatusOK {
		t.Fatalf("%d %s", got.Code, got.Body)
	}
	for query, answer := range map[string]string{
		"":                              roles + "," + asked,
		"?query=action:roles_changed":   roles,
		"?query=type:user":              asked,
		"?query=author:ADAM":            roles,
		"?query=author:bea":             "",
		"?page=2&per_page=1":            asked,
		"?page=7":                       "",
		"?query=type:team&per_page=100": roles,
	} {
		got := do(w.blog, http.MethodGet, "/admin/audit"+query, "", "", "Authorization", w.bearer(t, "adam"))
		body := eventID.ReplaceAllString(got.Body.String(), `{"id":"{n}"`)
		if got.Code != http.StatusOK || body != "["+answer+"]" || got.Header().Get("X-Total-Count") == "" {
			t.Errorf("%s: %d %s\nwant [%s]", query, got.Code, body, answer)
		}
	}
	w.run(t, []exchange{
		{name: "an editor", as: "ann", call: "GET /admin/audit", status: 401, answer: "{e User not allowed}"},
		{name: "another scope", as: "adam", call: "GET /admin/audit?query=ip:1", status: 400, answer: "{e Invalid query scope: ip}"},
	})
}
