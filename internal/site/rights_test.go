package site

import (
	"context"
	"slices"
	"strings"
	"testing"

	"gatehouse/internal/auth"
	"gatehouse/internal/cms"
	"gatehouse/internal/fault"
	"gatehouse/internal/git"
	"gatehouse/internal/host"
)

func person(roles ...string) auth.Principal {
	return auth.Principal{UserID: "u1", Email: "Ann@Example.org", Name: "Ann", Roles: roles, Session: "s1"}
}

var (
	ann = host.Person{Name: "Ann", Email: "ann@example.org"}
	bob = host.Person{Name: "Bob", Email: "bob@example.org"}
)

// Every question that cms asks, once per role. A letter says who may: admin,
// publisher, editor, contributor, reader, and x a role that nobody knows.
func TestAllow(t *testing.T) {
	letters := map[string]auth.Principal{
		"a": person(Admin), "p": person(Publisher), "e": person(Editor),
		"c": person(Contributor), "r": person(Reader), "x": person("author"),
		"0": person(), "o": {Email: "root@example.org", Operator: true},
	}
	tests := []struct {
		name string
		ask  cms.Ask
		may  string
	}{
		{"new entry as a new draft", cms.Ask{Action: cms.Create, Draft: true}, "apeco"},
		{"new entry in own draft", cms.Ask{Action: cms.Create, Draft: true, DraftAuthor: ann}, "apeco"},
		{"new entry in another's draft", cms.Ask{Action: cms.Create, Draft: true, DraftAuthor: bob}, "apeo"},
		{"new entry, published at once", cms.Ask{Action: cms.Create}, "apo"},
		{"published entry as a new draft", cms.Ask{Action: cms.Edit, Draft: true}, "apeco"},
		{"own draft", cms.Ask{Action: cms.Edit, Draft: true, DraftAuthor: ann}, "apeco"},
		{"another's draft", cms.Ask{Action: cms.Edit, Draft: true, DraftAuthor: bob}, "apeo"},
		{"namesake's draft", cms.Ask{Action: cms.Edit, Draft: true, DraftAuthor: host.Person{Name: "Ann"}}, "apeo"},
		{"published entry, at once", cms.Ask{Action: cms.Edit}, "apo"},
		{"status of own draft", cms.Ask{Action: cms.Submit, Draft: true, DraftAuthor: ann}, "apeco"},
		{"status of another's draft", cms.Ask{Action: cms.Submit, Draft: true, DraftAuthor: bob}, "apeo"},
		{"status of a draft without author", cms.Ask{Action: cms.Submit, Draft: true}, "apeo"},
		{"media library", cms.Ask{Action: cms.Media}, "apeo"},
		{"delete a published entry", cms.Ask{Action: cms.Delete}, "apo"},
		{"publish own draft", cms.Ask{Action: cms.Publish, Draft: true, DraftAuthor: ann}, "apo"},
		{"publish another's draft", cms.Ask{Action: cms.Publish, Draft: true, DraftAuthor: bob}, "apo"},
		{"publish", cms.Ask{Action: cms.Publish}, "apo"},
		{"something new", cms.Ask{Action: "rename"}, "apo"},
	}
	s := &Site{Name: "blog", Title: "The Blog"}
	for _, tt := range tests {
		for letter, p := range letters {
			err := s.Allow(p)(context.Background(), tt.ask)
			if want := strings.Contains(tt.may, letter); want != (err == nil) {
				t.Errorf("%s: %s: allowed is %v, want %v (%v)", tt.name, letter, err == nil, want, err)
			}
			if err != nil && !fault.Is(err, fault.Forbidden) {
				t.Errorf("%s: %s: %v is not Forbidden", tt.name, letter, err)
			}
		}
	}
}

func TestRefusalsSayWhoCanHelp(t *testing.T) {
	s := &Site{Name: "blog", Title: "The Blog"}
	tests := []struct {
		p    auth.Principal
		ask  cms.Ask
		want string
	}{
		{person(Contributor), cms.Ask{Action: cms.Edit, Draft: true, DraftAuthor: bob}, "This draft was started by Bob, and your role lets you change your own drafts. Ask them, or an editor of The Blog."},
		{person(Editor), cms.Ask{Action: cms.Publish, Draft: true, DraftAuthor: bob}, "Your role (editor) does not let you publish. Ask a publisher or administrator of The Blog."},
		{person(Editor), cms.Ask{Action: cms.Edit}, "Your role (editor) does not let you save straight to the published site; save it as a draft. Ask a publisher or administrator of The Blog."},
		{person(Editor), cms.Ask{Action: cms.Delete}, "Your role (editor) does not let you delete or unpublish what is published. Ask a publisher or administrator of The Blog."},
		{person(Contributor), cms.Ask{Action: cms.Media}, "Your role (contributor) does not let you change the media library; add the file to a draft of yours. Ask an editor or publisher of The Blog."},
		{person(Reader), cms.Ask{Action: cms.Create, Draft: true}, "Your role (reader) does not let you write or change entries. Ask an editor or publisher of The Blog."},
		{person(), cms.Ask{Action: cms.Edit, Draft: true}, "You are signed in as Ann@Example.org, which has no access to The Blog. Ask an administrator of the site to add you."},
		{person("author"), cms.Ask{Action: cms.Edit, Draft: true}, "You are signed in as Ann@Example.org, with the role author, which gives no access to The Blog. Ask an administrator of the site for one of the roles admin, publisher, editor, contributor, reader."},
	}
	for _, tt := range tests {
		err := s.Allow(tt.p)(context.Background(), tt.ask)
		if got := fault.Message(err); got != tt.want {
			t.Errorf("%v %+v:\n got %s\nwant %s", tt.p.Roles, tt.ask, got, tt.want)
		}
	}
}

func TestActions(t *testing.T) {
	s := &Site{Name: "blog"}
	tests := map[string][]cms.Action{
		Admin:       {cms.Create, cms.Edit, cms.Submit, cms.Media, cms.Delete, cms.Publish},
		Publisher:   {cms.Create, cms.Edit, cms.Submit, cms.Media, cms.Delete, cms.Publish},
		Editor:      {cms.Create, cms.Edit, cms.Submit, cms.Media},
		Contributor: {cms.Create, cms.Edit, cms.Submit},
		Reader:      {},
		"author":    {},
	}
	for role, want := range tests {
		if got := s.Actions(person(role)); !slices.Equal(got, want) || got == nil {
			t.Errorf("%s: %v, want %v", role, got, want)
		}
	}
	if got := s.Actions(person(Contributor, Editor)); !slices.Equal(got, tests[Editor]) {
		t.Errorf("two roles do not add up: %v", got)
	}
}

func TestCanRead(t *testing.T) {
	s := &Site{Name: "blog"}
	for _, role := range Roles() {
		if err := s.CanRead(person("author", role)); err != nil {
			t.Errorf("%s may not read: %v", role, err)
		}
	}
	if s.CanRead(person()) == nil || s.CanRead(person("author")) == nil {
		t.Error("someone without a role of the site may read it")
	}
	if err := s.CanRead(auth.Principal{Operator: true}); err != nil {
		t.Errorf("an operator may not read: %v", err)
	}
}

func TestCaller(t *testing.T) {
	s := &Site{Name: "blog"}
	if got := s.Caller(person(Editor)); got.Name != "Ann" || got.Email != "Ann@Example.org" || got.Reader != "s1" || got.Allow == nil {
		t.Errorf("caller: %+v", got)
	}
	if got := s.Caller(auth.Principal{Email: "ann@example.org"}); got.Name != "ann" || got.Reader != "" {
		t.Errorf("caller without name or session: %+v", got)
	}
}

func TestBranchNamesLeaveDraftsOut(t *testing.T) {
	got := branchNames([]git.Ref{{Name: "refs/heads/cms/posts/a"}, {Name: "refs/heads/main"}, {Name: "refs/heads/cmsnext"}})
	if !slices.Equal(got, []string{"main", "cmsnext"}) {
		t.Errorf("branches: %v", got)
	}
}
