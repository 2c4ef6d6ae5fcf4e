package mirror

import (
	"context"
	"errors"
	"strings"
	"testing"

	"gatehouse/internal/git"
)

func TestLanes(t *testing.T) {
	var l lanes
	leave, err := l.enter(t.Context(), "main")
	if err != nil {
		t.Fatal(err)
	}
	other, err := l.enter(t.Context(), "cms/posts/a") // another branch does not wait
	if err != nil {
		t.Fatal(err)
	}
	other()

	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.enter(gone, "main"); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v of one who went away while waiting", err)
	}

	entered := make(chan func())
	go func() {
		next, err := l.enter(t.Context(), "main")
		if err != nil {
			t.Error(err)
		}
		entered <- next
	}()
	select {
	case <-entered:
		t.Fatal("two are on one lane")
	default:
	}
	leave()
	(<-entered)()
	if len(l.open) != 0 {
		t.Errorf("%d lanes are left although nobody is on them", len(l.open))
	}
}

func TestName(t *testing.T) {
	for _, c := range []struct{ name, email, want string }{
		{"Ada Byron", "ada@example.org", "Ada Byron"},
		{"", "ada@example.org", "ada@example.org"},
		{"Ada\x1b[31m\u202eByron\n", "", "Ada[31mByron"},
		{" \u200b ", "", "somebody else"},
	} {
		if got := name(git.Signature{Name: c.name, Email: c.email}); got != c.want {
			t.Errorf("%q is shown as %q, want %q", c.name, got, c.want)
		}
	}
	if got := []rune(name(git.Signature{Name: strings.Repeat("ß", 500)})); len(got) != nameLength+1 {
		t.Errorf("a long name is shown with %d characters", len(got))
	}
}
