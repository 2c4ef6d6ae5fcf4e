package local_test

import (
	"fmt"
	"testing"

	"gatehouse/internal/host"
	"gatehouse/internal/host/hosttest"
)

// Git moves the refs of a transaction one after the other. A power cut in
// between leaves some of them moved, after which publishing answered that others
// are writing at this moment, for ever.
func TestAMergeThatWasCutOffCanBeMadeAgain(t *testing.T) {
	const head, open1, closed1 = "refs/heads/cms/posts/a", "refs/gatehouse/requests/1", "refs/gatehouse/closed/1"
	for name, undone := range map[string][]string{
		"the request is closed, and nothing else": {open1, head, "refs/heads/main"},
		"only the site's branch moved":            {open1, head, closed1},
		"nothing is deleted":                      {open1, head},
	} {
		t.Run(name, func(t *testing.T) {
			d := hosttest.NewDirectory(t, "main", map[string]string{"README": "a site\n"})
			h := newHost(t, d)
			d.Commit(t, "cms/posts/a", map[string]string{"a.md": "a\n"})
			n := open(t, h, "cms/posts/a")
			before := map[string]string{}
			for _, ref := range []string{head, open1, "refs/heads/main"} {
				before[ref] = d.Git(t, "rev-parse", ref)
			}
			merge := func() error {
				_, err := h.Merge(t.Context(), n, host.MergeOptions{DeleteHead: true})
				return err
			}
			if err := merge(); err != nil {
				t.Fatal(err)
			}
			for _, ref := range undone {
				if was := before[ref]; was != "" {
					d.Git(t, "update-ref", ref, was)
				} else {
					d.Git(t, "update-ref", "-d", ref)
				}
			}
			if err := merge(); err != nil {
				t.Fatal(err)
			}
			if got := d.File(t, "main", "a.md"); got != "a\n" {
				t.Errorf("a.md is %q", got)
			}
			if got := d.Git(t, "for-each-ref", "--format=%(refname)", head, open1); got != "" {
				t.Errorf("left: %s", got)
			}
			cr, err := h.ChangeRequest(t.Context(), n)
			if err != nil || cr.State != host.Merged {
				t.Errorf("the request is %s, %v", cr.State, err)
			}
		})
	}
}

func TestAClosingThatWasCutOffCanBeMadeAgain(t *testing.T) {
	d := hosttest.NewDirectory(t, "main", map[string]string{"README": "a site\n"})
	h := newHost(t, d)
	d.Commit(t, "cms/posts/a", map[string]string{"a.md": "a\n"})
	n := open(t, h, "cms/posts/a")
	was := d.Git(t, "rev-parse", fmt.Sprintf("refs/gatehouse/requests/%d", n))
	if err := h.Close(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	d.Git(t, "update-ref", fmt.Sprintf("refs/gatehouse/requests/%d", n), was)
	if err := h.Close(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	cr, err := h.ChangeRequest(t.Context(), n)
	if err != nil || cr.State != host.Closed {
		t.Errorf("the request is %s, %v", cr.State, err)
	}
}
