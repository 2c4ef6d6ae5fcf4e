package gotrue

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/identity"
)

const (
	begun = "2026-03-01T09:00:00Z"
	// newPassword is one that a person chooses in a test.
	newPassword = "copper bicycle moon nine"
)

// newcomer is the answer to who has signed up, at the beginning.
const newcomer = `{"id":"{uuid}","aud":"blog","role":"","email":"zoe@example.org","confirmation_sent_at":"` + begun + `",` +
	`"app_metadata":{"provider":"email","roles":[]},"user_metadata":{"full_name":"Zoe"},"created_at":"` + begun + `","updated_at":"` + begun + `"}`

func TestWireOfSignUp(t *testing.T) {
	w := newTown(t)
	const whole = `{"email":"zoe@example.org","password":"` + newPassword + `","data":{"full_name":"Zoe"}}`
	w.run(t, []exchange{
		{name: "closed", call: "POST /signup", body: whole, status: 403, answer: "{e Signups not allowed for this instance}"},
	})
	w.policy(t, identity.Policy{SignUp: identity.SignUpOpen, Domains: []string{"example.org"}, DefaultRoles: []string{"contributor"}})
	w.run(t, []exchange{
		{name: "new", call: "POST /signup", body: whole, status: 200, answer: newcomer},
		{name: "no password", call: "POST /signup", body: `{"email":"zoe@example.org"}`, status: 422, answer: "{e Signup requires a valid password}"},
		{name: "no address", call: "POST /signup", body: `{"password":"x"}`, status: 422, answer: "{e An email address is required}"},
		// GoTrue checks it only where mail is set up, and in other words after the colon.
		{name: "no such address", call: "POST /signup", body: `{"email":"zoe","password":"x"}`, status: 422, answer: `{e Unable to validate email address: "zoe" is no e-mail address. Give it as name@example.org.}`},
		// GoTrue takes that for the address, verbatim.
		{name: "with a name", call: "POST /signup", body: `{"email":"Zoe <zoe@example.org>","password":"x"}`, status: 422, answer: `{e Unable to validate email address: "zoe <zoe@example.org>" is no e-mail address. Give it as name@example.org.}`},
		// GoTrue has its decoder's words, which may quote the password.
		{name: "no JSON", call: "POST /signup", body: `{"password":"half`, status: 400, answer: "{e Could not read Signup params: the body is not the JSON of this request}"},
		{name: "a list", call: "POST /signup", body: `[]`, status: 400, answer: "{e Could not read Signup params: the body is not the JSON of this request}"},
		{name: "data of another kind", call: "POST /signup", body: `{"email":"a@example.org","password":"x","data":"y"}`, status: 400, answer: "{e Could not read Signup params: the body is not the JSON of this request}"},
		// GoTrue takes any password but the empty one, and fails with 500 over 72 bytes.
		{name: "weak password", call: "POST /signup", body: `{"email":"b@example.org","password":"short"}`, status: 422, answer: "{e The password is too short: it needs 10 characters or more.}"},
		{name: "long password", call: "POST /signup", body: `{"email":"c@example.org","password":"` + strings.Repeat("long and random ", 8) + `"}`, status: 200, answer: strings.Replace(strings.Replace(newcomer, "zoe@", "c@", 1), `"full_name":"Zoe"`, "", 1)},
		// GoTrue knows no domains.
		{name: "another domain", call: "POST /signup", body: `{"email":"d@elsewhere.example","password":"` + newPassword + `"}`, status: 403, answer: "{e Addresses at elsewhere.example cannot sign up here. Ask an administrator of the site to invite you.}"},
		{name: "passed over", after: time.Hour, call: "POST /signup", body: `{"email":"e@example.org","password":"` + newPassword + `","role":"admin","app_metadata":{"roles":["admin"]},"aud":"shop","confirmed_at":"` + begun + `","is_super_admin":true}`, status: 200, answer: strings.ReplaceAll(strings.Replace(strings.Replace(newcomer, "zoe@", "e@", 1), `"full_name":"Zoe"`, "", 1), "T09:", "T10:")},
	})
	w.policy(t, identity.Policy{SignUp: identity.SignUpOpen, PasswordOff: true})
	w.run(t, []exchange{
		{name: "passwords off", call: "POST /signup", body: whole, status: 400, answer: "{e Unsupported email provider}"},
		{name: "recovery with passwords off", call: "POST /recover", body: `{"email":"ann@example.org"}`, status: 400, answer: "{e Unsupported email provider}"},
	})
}

func TestWireOfAutoconfirm(t *testing.T) {
	w := newTown(t)
	w.policy(t, identity.Policy{SignUp: identity.SignUpOpen, Autoconfirm: true, DefaultRoles: []string{"contributor"}})
	confirmed := strings.Replace(strings.Replace(newcomer, "confirmation_sent_at", "confirmed_at", 1), `"roles":[]`, `"roles":["contributor"]`, 1)
	w.run(t, []exchange{
		{name: "confirmed at once", call: "POST /signup", body: `{"email":"zoe@example.org","password":"` + newPassword + `","data":{"full_name":"Zoe"}}`, status: 200, answer: confirmed},
	})
	if !w.signsIn(t, "zoe@example.org", newPassword) {
		t.Error("who signed up cannot sign in")
	}
}

func TestWireOfVerify(t *testing.T) {
	w := newTown(t)
	w.policy(t, identity.Policy{SignUp: identity.SignUpOpen})
	invite := func(address string) {
		_, err := w.people.LocalDesk("blog").Invite(t.Context(), identity.Invitation{Email: address, Roles: []string{"editor"}})
		check(t, err)
	}
	invite("ida@example.org")
	invite("iris@example.org")
	signUp := `{"email":"zoe@example.org","password":"` + newPassword + `"}`
	check(t, w.people.Recover(t.Context(), "blog", email, w.from()))
	check(t, w.people.MagicLink(t.Context(), "blog", "bea@example.org", w.from()))
	do(w.blog, http.MethodPost, "/signup", "application/json", signUp)
	used := map[string]string{"zoe": w.mailed(t, "zoe@example.org"), "iris": w.mailed(t, "iris@example.org")}
	w.run(t, []exchange{
		{name: "no type", call: "POST /verify", body: `{"token":"x"}`, status: 422, answer: "{e Verify requires a verification type}"},
		{name: "another type", call: "POST /verify", body: `{"token":"x","type":"email_change"}`, status: 422, answer: "{e Verify requires a verification type}"},
		{name: "no token", call: "POST /verify", body: `{"type":"signup"}`, status: 422, answer: "{e Verify requires a token}"},
		{name: "unknown token", call: "POST /verify", body: `{"type":"signup","token":"nonesuch"}`, status: 404, answer: "{e User not found}"},
		{name: "no JSON", call: "POST /verify", body: `token=x`, status: 400, answer: "{e Could not read verification params: the body is not the JSON of this request}"},
		{name: "of another kind", call: "POST /verify", body: `{"type":"recovery","token":"{token zoe@example.org}"}`, status: 404, answer: "{e User not found}"},
		{name: "sign-up", call: "POST /verify", body: `{"type":"signup","token":"{token zoe@example.org}"}`, status: 200, answer: "{grant}"},
		{name: "a second time", call: "POST /verify", body: `{"type":"signup","token":"` + used["zoe"] + `"}`, status: 404, answer: "{e User not found}"},
		{name: "invitation without a password", call: "POST /verify", body: `{"type":"signup","token":"{token ida@example.org}"}`, status: 422, answer: "{e Invited users must specify a password}"},
		// GoTrue takes any.
		{name: "invitation with a bad password", call: "POST /verify", body: `{"type":"signup","token":"{token ida@example.org}","password":"short"}`, status: 422, answer: "{e The password is too short: it needs 10 characters or more.}"},
		{name: "invitation", call: "POST /verify", body: `{"type":"signup","token":"{token ida@example.org}","password":"` + newPassword + `"}`, status: 200, answer: "{grant}"},
		// As in GoTrue, the password means nothing here.
		{name: "recovery", call: "POST /verify", body: `{"type":"recovery","token":"{token ann@example.org}","password":"` + newPassword + `"}`, status: 200, answer: "{grant}"},
		// Not GoTrue's.
		{name: "magic link", call: "POST /verify", body: `{"type":"magiclink","token":"{token bea@example.org}"}`, status: 200, answer: "{grant}"},
	})
	for address, secret := range map[string]string{"zoe@example.org": newPassword, "ida@example.org": newPassword, email: password} {
		if !w.signsIn(t, address, secret) {
			t.Errorf("%s cannot sign in", address)
		}
	}
	check(t, w.people.Recover(t.Context(), "blog", "adam@example.org", w.from()))
	check(t, w.people.MagicLink(t.Context(), "blog", "root@example.org", w.from()))
	do(w.blog, http.MethodPost, "/signup", "application/json", `{"email":"late@example.org","password":"`+newPassword+`"}`)
	late := map[string]string{}
	for _, name := range []string{"adam", "root", "late"} {
		late[name] = w.mailed(t, name+"@example.org")
	}
	w.run(t, []exchange{
		{name: "magic link too late", after: 20 * time.Minute, call: "POST /verify", body: `{"type":"magiclink","token":"` + late["root"] + `"}`, status: 422, answer: "{e Magic link expired}"},
		{name: "recovery too late", after: 24 * time.Hour, call: "POST /verify", body: `{"type":"recovery","token":"` + late["adam"] + `"}`, status: 422, answer: "{e Recovery token expired}"},
		{name: "sign-up too late", call: "POST /verify", body: `{"type":"signup","token":"` + late["late"] + `"}`, status: 422, answer: "{e Confirmation token expired}"},
		// GoTrue's last for ever.
		{name: "invitation too late", after: 7 * 24 * time.Hour, call: "POST /verify", body: `{"type":"signup","token":"` + used["iris"] + `","password":"` + newPassword + `"}`, status: 422, answer: "{e Confirmation token expired}"},
	})
}

// Not GoTrue's: it leads to our page, which uses the token when the person says so.
func TestVerifyLeadsToOurPage(t *testing.T) {
	w := newTown(t)
	for kind, page := range map[string]string{"signup": "confirm", "invite": "invite", "recovery": "recover", "email_change": "email", "magiclink": "magic"} {
		got := do(w.blog, http.MethodGet, "/verify?redirect_to=https://evil.example&type="+kind+"&token=abc", "", "")
		if to := got.Header().Get("Location"); got.Code != http.StatusSeeOther || to != "https://cms.example.org/s/blog/account/"+page+"#token=abc" {
			t.Errorf("%s: %d to %s", kind, got.Code, to)
		}
		if got.Header().Get("Cache-Control") != "no-store" || got.Header().Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%s: %v", kind, got.Header())
		}
	}
	w.run(t, []exchange{
		{name: "no token", call: "GET /verify?type=signup", status: 422, answer: "{e Verify requires a token}"},
		{name: "no type", call: "GET /verify?token=x", status: 422, answer: "{e Verify requires a verification type}"},
	})
}

func TestWireOfRecover(t *testing.T) {
	w := newTown(t)
	w.run(t, []exchange{
		{name: "known", call: "POST /recover", body: `{"email":"ann@example.org"}`, status: 200, answer: "{}"},
		{name: "unknown", call: "POST /recover", body: `{"email":"nobody@example.org"}`, status: 200, answer: "{}"},
		// GoTrue answers 429, for known addresses alone.
		{name: "known, again", call: "POST /recover", body: `{"email":"ann@example.org"}`, status: 200, answer: "{}"},
		{name: "no address", call: "POST /recover", body: `{}`, status: 422, answer: "{e Password recovery requires an email}"},
		// GoTrue answers {}; a person who has mistyped it should know.
		{name: "no such address", call: "POST /recover", body: `{"email":"ann"}`, status: 422, answer: `{e Unable to validate email address: "ann" is no e-mail address. Give it as name@example.org.}`},
		// Not GoTrue's.
		{name: "magic link", call: "POST /magiclink", body: `{"email":"ann@example.org"}`, status: 200, answer: "{}"},
		{name: "magic link to nobody", call: "POST /magiclink", body: `{"email":"nobody@example.org"}`, status: 200, answer: "{}"},
		{name: "magic link to nowhere", call: "POST /magiclink", body: `{}`, status: 422, answer: "{e A magic link requires an email}"},
	})
}
