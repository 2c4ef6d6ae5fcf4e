package main

import (
	"strings"
	"testing"
)

func TestPolicyFromTheCommandLine(t *testing.T) {
	users := household(t)
	for _, c := range []struct {
		args []string
		want string // all of the output; empty: it is refused
	}{
		{[]string{"blog"}, "blog: sign-up invite\n"},
		{[]string{"blog", "--sign-up", "open", "--domain", "Example.org", "--role", "editor", "--role", "contributor"}, "blog: sign-up open; from example.org; as contributor, editor\n"},
		{[]string{"blog", "--autoconfirm", "--language", "de"}, "blog: sign-up open; from example.org; as contributor, editor; confirmed at once; mails in de\n"},
		{[]string{"blog", "--domain", "", "--role", "", "--autoconfirm=false", "--password-off"}, "blog: sign-up open; no passwords; mails in de\n"},
		{[]string{"shop"}, "shop: sign-up invite\n"},
		{[]string{"shop", "--sign-up", "maybe"}, ""},
		{[]string{"shop", "--language", "!"}, ""},
		{[]string{"nowhere"}, ""},
		{nil, ""},
	} {
		out, _, err := users("", append([]string{"policy"}, c.args...)...)
		if out != c.want || (err == nil) != (c.want != "") {
			t.Errorf("policy %s: %q (%v), want %q", strings.Join(c.args, " "), out, err, c.want)
		}
	}
}
