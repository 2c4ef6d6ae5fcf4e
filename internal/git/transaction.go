package git

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"

	"gatehouse/internal/fault"
)

// ErrNameClash is the cause of a fault.Conflict when a ref cannot be made
// because another one has its name as a folder, or lies where it needs a folder
// (cms/pages/about and cms/pages/about/us).
var ErrNameClash = errors.New("ref names clash")

// transact runs one transaction of git update-ref. When all refs are locked and
// known to match, between is called; its error, and any other, leaves all refs
// as they were. The lock makes the commit that follows it certain.
//
//	start ─► commands ─► prepare ─ok─► between ─ok─► commit
//	                        └─ no ─► conflict   └─ no ─► abort
func (r *Repo) transact(ctx context.Context, updates []RefUpdate, between func() error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cmd := newProcess(ctx, r.environment(), "update-ref", "--stdin", "-z")
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) } // git takes its locks with it then
	stderr := bounded{max: maxStderr}
	cmd.Stderr = &stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return explain(ctx, err, "update-ref", &stderr)
	}
	said := bufio.NewReader(out)
	var own error // of between
	talk := func() error {
		if err := exchange(in, said, r.script(updates), "start: ok", "prepare: ok"); err != nil {
			return err
		}
		if between != nil {
			if own = between(); own != nil {
				return exchange(in, said, "abort\x00", "abort: ok")
			}
		}
		return exchange(in, said, "commit\x00", "commit: ok")
	}
	talked := talk()
	_ = in.Close()
	_, _ = io.Copy(io.Discard, said)
	err = explain(ctx, cmd.Wait(), "update-ref", &stderr)
	switch {
	case own != nil:
		return own
	case err != nil:
		return err
	}
	return talked
}

// exchange sends text and waits for the lines that confirm it.
func exchange(in io.Writer, out *bufio.Reader, text string, lines ...string) error {
	if _, err := io.WriteString(in, text); err != nil {
		return err
	}
	for _, want := range lines {
		line, err := out.ReadString('\n')
		if err != nil {
			return err
		}
		if strings.TrimSuffix(line, "\n") != want {
			return fmt.Errorf("git update-ref said %.100q instead of %q", line, want)
		}
	}
	return nil
}

// script is the commands of a transaction up to its preparation.
func (r *Repo) script(updates []RefUpdate) string {
	var b strings.Builder
	b.WriteString("start\x00")
	for _, u := range updates {
		switch {
		case u.Old == u.New && u.Old == "":
			fmt.Fprintf(&b, "verify %s\x00%s\x00", u.Name, r.hash.zero())
		case u.Old == u.New:
			fmt.Fprintf(&b, "verify %s\x00%s\x00", u.Name, u.Old)
		case u.Old == "":
			fmt.Fprintf(&b, "create %s\x00%s\x00", u.Name, u.New)
		case u.New == "":
			fmt.Fprintf(&b, "delete %s\x00%s\x00", u.Name, u.Old)
		default:
			fmt.Fprintf(&b, "update %s\x00%s\x00%s\x00", u.Name, u.New, u.Old)
		}
	}
	b.WriteString("prepare\x00")
	return b.String()
}

// diagnose says why a transaction failed. It looks at the refs as they are, and
// at git's words only for what the refs do not show.
func (r *Repo) diagnose(ctx context.Context, updates []RefUpdate, err error) error {
	var f *failure
	if !errors.As(err, &f) || f.Name != "update-ref" {
		return err
	}
	refs, listErr := r.Refs(ctx, "refs/")
	if listErr != nil {
		return errors.Join(err, listErr)
	}
	now := make(map[string]ID, len(refs))
	for _, ref := range refs {
		now[ref.Name] = ref.ID
	}
	for _, u := range updates {
		if now[u.Name] != u.Old {
			return fault.Wrap(fault.Conflict, err, "%s has changed in the meantime", shortName(u.Name))
		}
		if u.Old == "" && u.New != "" {
			if other := clash(u.Name, now, updates); other != "" {
				return fault.Wrap(fault.Conflict, errors.Join(ErrNameClash, err), "%s cannot be made beside %s: choose another name", shortName(u.Name), shortName(other))
			}
		}
	}
	switch {
	case strings.Contains(f.Stderr, ".lock': File exists"):
		return fault.Wrap(fault.Unavailable, err, "Another program is changing the repository; try again")
	case strings.Contains(f.Stderr, "nonexistent object"), strings.Contains(f.Stderr, "non-commit object"):
		return fault.Wrap(fault.Invalid, err, "A branch can only point to a commit that is in the repository")
	}
	return r.diskSays(err)
}

// clash is a ref that has name as a folder, or is a folder of name.
func clash(name string, now map[string]ID, updates []RefUpdate) string {
	collides := func(other string) bool {
		return strings.HasPrefix(other, name+"/") || strings.HasPrefix(name, other+"/")
	}
	for other := range now {
		if collides(other) {
			return other
		}
	}
	for _, u := range updates {
		if u.New != "" && collides(u.Name) {
			return u.Name
		}
	}
	return ""
}

func shortName(ref string) string {
	if short, ok := strings.CutPrefix(ref, branchPrefix); ok {
		return "The branch " + short
	}
	return "The ref " + ref
}
