package github_test

import (
	"testing"

	"gatehouse/test/fakes"
	"gatehouse/test/fakes/github"
)

func TestARepositoryIsOpenedAgain(t *testing.T) {
	dir := t.TempDir()
	begin := func() *github.Server {
		oauth := fakes.New(fakes.GitHub(), nil)
		oauth.AddPerson(fakes.Person{Login: "ada", Name: "Ada"})
		s, err := github.New(github.Options{Dir: dir, OAuth: oauth})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		return s
	}
	s := begin()
	if err := s.OpenRepository(t.Context(), github.Repository{Owner: "ada", Name: "site"}); err == nil {
		t.Error("a repository was opened that nobody made")
	}
	s = begin()
	made, err := s.AddRepository(t.Context(), github.Repository{Owner: "ada", Name: "site", Files: map[string]string{"a.md": "a\n"}})
	if err != nil {
		t.Fatal(err)
	}
	id := s.RepositoryID("ada/site")
	again := begin()
	if err := again.OpenRepository(t.Context(), github.Repository{Owner: "ada", Name: "site"}); err != nil {
		t.Fatal(err)
	}
	if again.Dir("ada/site") != made || again.RepositoryID("ada/site") != id {
		t.Errorf("it is %s with the id %d, was %s with %d", again.Dir("ada/site"), again.RepositoryID("ada/site"), made, id)
	}
	if err := again.OpenRepository(t.Context(), github.Repository{Owner: "ada", Name: "site"}); err == nil {
		t.Error("it was opened twice")
	}
}
