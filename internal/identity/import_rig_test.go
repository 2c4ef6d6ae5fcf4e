package identity

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"
)

// crypted is a password as GoTrue keeps it, but cheap.
func crypted(t testing.TB, password string) string {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	check(t, err)
	return string(hash)
}

// goTrueUser is somebody in an export, confirmed unless a change says else.
func goTrueUser(id, email, hash string, change ...func(map[string]any)) map[string]any {
	u := map[string]any{
		"id": id, "aud": "", "role": "", "email": email, "encrypted_password": hash,
		"confirmed_at": "2024-03-01T10:00:00Z", "created_at": "2024-02-29T10:00:00Z", "updated_at": "2024-03-01T10:00:00Z",
		"app_metadata": map[string]any{"provider": "email"}, "user_metadata": map[string]any{"full_name": "Nora " + id},
	}
	for _, f := range change {
		f(u)
	}
	return u
}

func unconfirmed(u map[string]any) { delete(u, "confirmed_at") }

func invitedThere(u map[string]any) {
	delete(u, "confirmed_at")
	u["invited_at"] = "2024-02-29T10:00:00Z"
}

func with(key string, value any) func(map[string]any) {
	return func(u map[string]any) { u[key] = value }
}

func rolesThere(roles ...string) func(map[string]any) {
	return with("app_metadata", map[string]any{"provider": "email", "roles": roles})
}

// exportOf is a file of GoTrue's.
func exportOf(t testing.TB, site string, users ...map[string]any) Export {
	t.Helper()
	data, err := json.Marshal(map[string]any{"aud": "", "users": users})
	check(t, err)
	return textExport(site, string(data))
}

func textExport(site, text string) Export {
	return Export{Name: site + ".json", Site: site, Open: func() (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(text)), nil
	}}
}

// takes applies an import, and holds that the dry run had said the same, and
// that a second run has nothing to do.
func (r rig) takes(t testing.TB, in Importing) []ExportReport {
	t.Helper()
	in.Apply = false
	dry, err := r.Import(t.Context(), in)
	check(t, err)
	in.Apply = true
	done, err := r.Import(t.Context(), in)
	check(t, err)
	if got, want := fmt.Sprintf("%+v", done.Exports), fmt.Sprintf("%+v", dry.Exports); got != want {
		t.Errorf("the import did\n%s\nand the dry run had said\n%s", got, want)
	}
	again, err := r.Import(t.Context(), in)
	check(t, err)
	if again.Changed() {
		t.Errorf("a second run changed something: %+v", again.Exports)
	}
	return done.Exports
}

func (r rig) account(t testing.TB, email string) User {
	t.Helper()
	u, err := r.ByEmail(t.Context(), email)
	check(t, err)
	return u
}

func wantRoles(t testing.TB, u User, site string, roles ...string) {
	t.Helper()
	got, ok := u.Roles[site]
	if !ok || !slices.Equal(got, roles) {
		t.Errorf("%s is %v at %s (a member: %t), want %v", u.Email, got, site, ok, roles)
	}
}
