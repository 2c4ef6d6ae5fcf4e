package identity

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/fault"
)

func TestListPages(t *testing.T) {
	r := newRig(t)
	_, desk := r.admin(t, "zz@example.org", "blog")
	for i, name := range []string{"Ända", "bob", "Carl_X", "Dora%", "émile!", "Über Franz"} {
		r.Advance(time.Minute)
		_, err := desk.Add(t.Context(), Draft{Email: fmt.Sprintf("p%d@Example.org", 9-i), Name: name, Roles: []string{Editor}, Confirm: true})
		check(t, err)
	}
	_, err := r.Add(t.Context(), NewUser{Email: "other@example.org", Name: "bob too", Password: good, Roles: map[string][]string{"shop": {}}})
	check(t, err)
	emails := func(p Page) (string, int) {
		t.Helper()
		list, total, err := desk.List(t.Context(), p)
		check(t, err)
		var out []string
		for _, m := range list {
			out = append(out, strings.TrimSuffix(m.Email, "@example.org"))
		}
		return strings.Join(out, " "), total
	}
	for name, c := range map[string]struct {
		page  Page
		want  string
		total int
	}{
		"all":               {Page{}, "zz p9 p8 p7 p6 p5 p4", 7},
		"newest":            {Page{Down: true, Per: 2}, "p4 p5", 7},
		"second page":       {Page{Per: 3, Page: 2}, "p7 p6 p5", 7},
		"past the end":      {Page{Per: 3, Page: 9}, "", 7},
		"by address":        {Page{Sort: SortEmail, Per: 2}, "p4 p5", 7},
		"address":           {Page{Filter: "P8@EXAMPLE"}, "p8", 1},
		"name":              {Page{Filter: "BOB"}, "p8", 1},
		"name with accent":  {Page{Filter: "ÉMILE"}, "p5", 1},
		"decomposed accent": {Page{Filter: "U\u0308BER"}, "p4", 1},
		"percent is text":   {Page{Filter: "%"}, "p6", 1},
		"underscore":        {Page{Filter: "_"}, "p7", 1},
		"escape sign":       {Page{Filter: "!"}, "p5", 1},
		"quote":             {Page{Filter: "' OR 1=1 --"}, "", 0},
	} {
		if got, total := emails(c.page); got != c.want || total != c.total {
			t.Errorf("%s: %q of %d, want %q of %d", name, got, total, c.want, c.total)
		}
	}
	for _, bad := range []Page{{Sort: "password"}, {Page: -1}, {Per: -1}, {Filter: strings.Repeat("x", 201)}} {
		_, _, err := desk.List(t.Context(), bad)
		wantKind(t, err, fault.Invalid)
	}
	if list, _, err := desk.List(t.Context(), Page{Per: 1 << 30}); err != nil || len(list) != 7 {
		t.Errorf("%d %v", len(list), err)
	}
}

func TestListShowsWhoHasNotComeYet(t *testing.T) {
	r := newRig(t)
	r.open(t, "blog")
	_, desk := r.admin(t, "zz@example.org", "blog")
	_, err := desk.Invite(t.Context(), Invitation{Email: "ann@example.org", Roles: []string{Editor}})
	check(t, err)
	r.signs(t, "bob@example.org", good, "blog")
	list, _, err := desk.List(t.Context(), Page{Sort: SortEmail})
	check(t, err)
	if len(list) != 3 || !list[0].Pending["blog"].Invited || list[0].Waiting.Until.IsZero() || list[1].Pending["blog"].Invited || list[1].Waiting.Confirmation.IsZero() {
		t.Errorf("%+v", list)
	}
	// An administrator answers for the second.
	yes := true
	m, err := desk.Change(t.Context(), list[1].ID, Edit{Confirm: &yes})
	check(t, err)
	if !m.Member("blog") || m.Confirmed.IsZero() || !r.enters(t, m.Email, good) {
		t.Errorf("%+v", m)
	}
}
