package identity

import (
	"testing"

	"gatehouse/internal/auth"
	"gatehouse/internal/fault"
	"gatehouse/internal/mail"
)

func TestADeskIsForAdministrators(t *testing.T) {
	r := newRig(t)
	add := func(n NewUser) auth.Principal {
		u, err := r.Add(t.Context(), n)
		check(t, err)
		// What a caller says of itself counts for nothing.
		return auth.Principal{UserID: u.ID, Operator: true, Roles: []string{Admin}}
	}
	admin := add(NewUser{Email: "a@example.org", Password: good, Roles: map[string][]string{"blog": {Admin}}})
	editor := add(NewUser{Email: "e@example.org", Password: good, Roles: map[string][]string{"blog": {Editor}, "shop": {Admin}}})
	operator := add(NewUser{Email: "o@example.org", Password: good, Operator: true})
	nobody := auth.Principal{UserID: "nobody", Operator: true}
	for _, c := range []struct {
		who  auth.Principal
		site string
		ok   bool
	}{
		{admin, "blog", true},
		{admin, "shop", false},
		{admin, "", false},
		{editor, "blog", false},
		{editor, "shop", true},
		{operator, "blog", true},
		{operator, "", true},
		{nobody, "blog", false},
		{auth.Principal{}, "blog", false},
		{auth.Principal{}, "", false},
	} {
		if _, err := r.Desk(t.Context(), c.who, c.site); c.ok != (err == nil) || err != nil && !fault.Is(err, fault.Forbidden) {
			t.Errorf("%s at %q: %v", c.who.UserID, c.site, err)
		}
	}
	o, err := r.Desk(t.Context(), operator, "")
	check(t, err)
	check(t, o.Disable(t.Context(), admin.UserID))
	_, err = r.Desk(t.Context(), admin, "blog")
	wantKind(t, err, fault.Forbidden)
}

// household are people of two sites, by name.
func household(t *testing.T) (r rig, blog, shop, all *Desk, id map[string]string) {
	t.Helper()
	r, id = newRig(t), map[string]string{}
	_, blog = r.admin(t, "blogboss@example.org", "blog")
	_, shop = r.admin(t, "shopboss@example.org", "shop")
	for name, n := range map[string]NewUser{
		"mine":     {Roles: map[string][]string{"blog": {Editor}}},
		"shared":   {Roles: map[string][]string{"blog": {Editor}, "shop": {Reader}}},
		"theirs":   {Roles: map[string][]string{"shop": {Editor}}},
		"operator": {Operator: true, Roles: map[string][]string{"blog": {Admin}}},
	} {
		n.Email, n.Password = name+"@example.org", good
		u, err := r.Add(t.Context(), n)
		check(t, err)
		id[name] = u.ID
	}
	op, err := r.Desk(t.Context(), auth.Principal{UserID: id["operator"]}, "")
	check(t, err)
	return r, blog, shop, op, id
}

func TestASitesAdministratorHasNoSayElsewhere(t *testing.T) {
	r, blog, _, _, id := household(t)
	ctx := t.Context()
	word, address, name, yes := other, "mallory@example.org", "Mallory", true
	acts := map[string]func(id string) error{
		"password": func(id string) error { _, err := blog.Change(ctx, id, Edit{Password: &word}); return err },
		"email":    func(id string) error { _, err := blog.Change(ctx, id, Edit{Email: &address}); return err },
		"name":     func(id string) error { _, err := blog.Change(ctx, id, Edit{Name: &name}); return err },
		"data":     func(id string) error { _, err := blog.Change(ctx, id, Edit{Data: map[string]any{"a": 1}}); return err },
		"confirm":  func(id string) error { _, err := blog.Change(ctx, id, Edit{Confirm: &yes}); return err },
		"disable":  func(id string) error { return blog.Disable(ctx, id) },
		"enable":   func(id string) error { return blog.Enable(ctx, id) },
		"delete":   func(id string) error { return blog.Delete(ctx, id) },
	}
	for what, act := range acts {
		for _, who := range []string{"shared", "operator"} {
			if err := act(id[who]); !fault.Is(err, fault.Forbidden) {
				t.Errorf("%s of %s: %v", what, who, err)
			}
		}
		if err := act(id["theirs"]); !fault.Is(err, fault.NotFound) {
			t.Errorf("%s of somebody of another site: %v", what, err)
		}
		if err := act("nobody"); !fault.Is(err, fault.NotFound) {
			t.Errorf("%s of nobody: %v", what, err)
		}
	}
	for what, err := range map[string]error{
		"roles":    blog.SetRoles(ctx, id["theirs"], []string{Admin}),
		"remove":   blog.Remove(ctx, id["theirs"]),
		"recovery": blog.SendRecovery(ctx, id["theirs"]),
		"sessions": blog.EndSessions(ctx, id["theirs"]),
	} {
		if !fault.Is(err, fault.NotFound) {
			t.Errorf("%s of somebody of another site: %v", what, err)
		}
	}
	wantKind(t, blog.SetOperator(ctx, id["mine"], true), fault.Forbidden)
	_, err := blog.Add(ctx, Draft{Email: "x@example.org", Operator: true})
	wantKind(t, err, fault.Forbidden)
	for who := range id {
		if u, err := r.User(ctx, id[who]); err != nil || u.Email != who+"@example.org" || u.Name != "" || !u.Disabled.IsZero() || !r.enters(t, u.Email, good) {
			t.Errorf("%s was changed: %+v %v", who, u, err)
		}
	}
}

func TestASitesAdministratorManagesTheirOwn(t *testing.T) {
	r, blog, _, _, id := household(t)
	ctx := t.Context()
	word, address, name := other, "mine2@example.org", "Min E."
	session := r.session(t, id["mine"], "")
	m, err := blog.Change(ctx, id["mine"], Edit{Password: &word, Email: &address, Name: &name, Data: map[string]any{"a": "b"}})
	check(t, err)
	if m.Email != address || m.Name != name || m.Metadata["a"] != "b" || !m.Manageable || m.Elsewhere || r.alive(t, session, "blog") || !r.enters(t, address, other) {
		t.Errorf("%+v", m)
	}
	if r.count(t, "mine@example.org", mail.NoticeEmail) != 1 || r.count(t, "mine@example.org", mail.NoticePassword) != 1 {
		t.Error("nobody told the owner")
	}
	check(t, blog.Disable(ctx, m.ID))
	check(t, blog.Enable(ctx, m.ID))
	check(t, blog.Delete(ctx, m.ID))
	_, err = r.User(ctx, m.ID)
	wantKind(t, err, fault.NotFound)
}

// A site's administrator knows the password of an account and another site
// invites its owner.
func TestAVouchedAccountIsProvenBeforeItJoinsElsewhere(t *testing.T) {
	r, blog, shop, _, id := household(t)
	word := other
	_, err := blog.Change(t.Context(), id["mine"], Edit{Password: &word})
	check(t, err)
	in, err := shop.Invite(t.Context(), Invitation{Email: "mine@example.org", Roles: []string{Admin}})
	check(t, err)
	if in.Joined || in.User.Member("shop") {
		t.Fatal("the other site's administrator may come in")
	}
	// An invitation elsewhere makes it somebody else's business, too.
	_, err = blog.Change(t.Context(), id["mine"], Edit{Email: &word})
	if err == nil {
		t.Error("the address of an invitation was changed under it")
	}
	session := r.session(t, id["mine"], "")
	u, err := r.use(t, "shop", KindInvite, r.token(t, "mine@example.org", mail.Invite), good)
	check(t, err)
	if !u.Member("shop") || r.enters(t, u.Email, other) || r.alive(t, session, "blog") {
		t.Error("who knew the old password is still in")
	}
}

func TestRecoveryProvesAVouchedAccount(t *testing.T) {
	r, blog, shop, _, _ := household(t)
	m, err := blog.Add(t.Context(), Draft{Email: "ann@example.org", Password: other, Roles: []string{Editor}, Confirm: true})
	check(t, err)
	session := r.session(t, m.ID, "")
	check(t, r.MagicLink(t.Context(), "blog", m.Email, home))
	_, err = r.use(t, "blog", KindMagic, r.token(t, m.Email, mail.MagicLink), "")
	check(t, err)
	if r.enters(t, m.Email, other) || r.alive(t, session, "blog") {
		t.Error("a password that others know is still good")
	}
	in, err := shop.Invite(t.Context(), Invitation{Email: m.Email})
	check(t, err)
	if !in.Joined {
		t.Error("a proven account has to prove itself again")
	}
}

func TestNobodyShutsThemselvesOut(t *testing.T) {
	r, blog, _, all, id := household(t)
	boss, err := r.ByEmail(t.Context(), "blogboss@example.org")
	check(t, err)
	wantKind(t, blog.Disable(t.Context(), boss.ID), fault.Invalid)
	wantKind(t, blog.Delete(t.Context(), boss.ID), fault.Invalid)
	wantKind(t, all.Disable(t.Context(), id["operator"]), fault.Invalid)
	wantKind(t, all.SetOperator(t.Context(), id["operator"], false), fault.Invalid)
}

func TestOperatorsManageEverybody(t *testing.T) {
	r, _, _, all, id := household(t)
	word := other
	for _, who := range []string{"mine", "shared", "theirs"} {
		_, err := all.Change(t.Context(), id[who], Edit{Password: &word})
		check(t, err)
		if !r.enters(t, who+"@example.org", other) {
			t.Errorf("%s does not sign in", who)
		}
	}
	people, total, err := all.List(t.Context(), Page{Sort: SortEmail})
	check(t, err)
	if total != 6 || len(people) != 6 || people[0].Email != "blogboss@example.org" || !people[0].Manageable {
		t.Errorf("%d people: %+v", total, people)
	}
	check(t, all.SetOperator(t.Context(), id["mine"], true))
	check(t, all.Delete(t.Context(), id["theirs"]))
}
