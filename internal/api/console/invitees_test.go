package console

import (
	"slices"
	"strings"
	"testing"
)

func TestInviteesReadWhatPeoplePaste(t *testing.T) {
	for text, want := range map[string][]invitee{
		"":                 nil,
		" \n,;\r\n":        nil,
		"ann@example.org":  {{"", "ann@example.org"}},
		"a@x.org, b@x.org": {{"", "a@x.org"}, {"", "b@x.org"}},
		"a@x.org;b@x.org\r\nAnn Example <c@x.org>":     {{"", "a@x.org"}, {"", "b@x.org"}, {"Ann Example", "c@x.org"}},
		`"Example, Ann" <ann@x.org>, Bo <bo@x.org>`:    {{"Example, Ann", "ann@x.org"}, {"Bo", "bo@x.org"}},
		"\"open <a@x.org>\nb@x.org":                    {{"open", "a@x.org"}, {"", "b@x.org"}},
		"A@x.org\na@X.org":                             {{"", "A@x.org"}},
		"mailto:a@x.org":                               {{"", "a@x.org"}},
		"Ann <a@x.org":                                 {{"Ann", "a@x.org"}},
		"no address":                                   {{"", "no address"}},
		"Ann <>":                                       {{"Ann", ""}},
		"<script>alert(1)</script>":                    {{"", "script"}},
		"Ünal Çelik <ü@x.org>":                         {{"Ünal Çelik", "ü@x.org"}},
		strings.Repeat(",", 10000) + "a@x.org\x00<b@c": {{"a@x.org\x00", "b@c"}},
	} {
		if got := invitees(text); !slices.Equal(got, want) {
			t.Errorf("%.60q: %q, want %q", text, got, want)
		}
	}
}

func FuzzInvitees(f *testing.F) {
	for _, seed := range []string{"a@x.org", `"Example, Ann" <ann@x.org>, Bo <bo@x.org>`, "<>\"\",;\n", "a <b <c> d> e"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, x := range invitees(text) {
			if x.Name == "" && x.Email == "" || strings.ContainsAny(x.Email, "\n\r") || strings.TrimSpace(x.Email) != x.Email && !strings.HasPrefix(text, "mailto:") && !strings.Contains(text, "mailto:") {
				t.Errorf("%q has %q", text, x)
			}
		}
	})
}
