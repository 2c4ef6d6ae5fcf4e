package mirror_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"gatehouse/internal/git"
	"gatehouse/internal/host/hosttest"
	"gatehouse/internal/mirror"
)

// childVariable makes this test binary a process that saves to the directory
// it names, until it is killed or childSaves is reached.
const (
	childVariable = "GATEHOUSE_TEST_SAVE_TO"
	childSaves    = "GATEHOUSE_TEST_SAVES"
)

// child saves from several editors at once, and prints a line for each save
// that was acknowledged.
func child(dir string) {
	ctx := context.Background()
	repo, err := git.Open(ctx, dir)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	r := &mirror.Repository{Git: repo, Branch: "main"}
	editors, saves := 4, 1_000_000
	if n := os.Getenv(childSaves); n != "" {
		editors = 1
		_, _ = fmt.Sscan(n, &saves)
	}
	var wg sync.WaitGroup
	for e := range editors {
		wg.Go(func() {
			for i := range saves {
				path := fmt.Sprintf("content/posts/%d-%d-%d.md", os.Getpid(), e, i)
				saved, err := r.Save(ctx, mirror.Save{Author: ada, Message: "Create", Changes: []mirror.Change{write(path, path+"\n")}})
				if err != nil {
					fmt.Fprintln(os.Stderr, err)
					os.Exit(1)
				}
				fmt.Printf("%s %s %s\n", path, saved.Blobs[path], saved.Commit)
			}
		})
	}
	wg.Wait()
	_ = repo.Close()
}

// TestKill9LosesNothingAcknowledged: the process is killed at some point of its
// saving; what it had acknowledged is there, and the next process goes on.
func TestKill9LosesNothingAcknowledged(t *testing.T) {
	if testing.Short() {
		t.Skip("kills processes at random points")
	}
	d := hosttest.NewDirectory(t, "main", map[string]string{"README": "a site\n"})
	for range 4 {
		acknowledged := killed(t, d, 1+rand.IntN(40))
		d.Fsck(t)
		reachable := strings.Fields(d.Git(t, "rev-list", "main"))
		commits := make(map[string]bool, len(reachable))
		for _, id := range reachable {
			commits[id] = true
		}
		for _, line := range acknowledged {
			f := strings.Fields(line)
			if got := d.Git(t, "rev-parse", "main:"+f[0]); got != f[1] {
				t.Errorf("%s is %s, acknowledged was %s", f[0], got, f[1])
			}
			if !commits[f[2]] {
				t.Errorf("commit %s of %s is not on main", f[2], f[0])
			}
		}
	}
}

// killed runs a child, kills it after some acknowledgements, and answers all
// that it gave.
func killed(t *testing.T, d hosttest.Directory, after int) []string {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childVariable+"="+d.Path)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var lines []string
	for scan := bufio.NewScanner(out); scan.Scan(); {
		if lines = append(lines, scan.Text()); len(lines) == after {
			if err := cmd.Process.Kill(); err != nil {
				t.Error(err)
			}
		}
	}
	if err := cmd.Wait(); err == nil {
		t.Error("the child ended by itself")
	}
	if len(lines) < after {
		t.Fatalf("the child acknowledged %d saves, then ended", len(lines))
	}
	return lines
}

// TestASaveIsSynced counts what reaches the disk, since a killed process proves
// nothing about a power cut. One save of one new file in a folder stores a blob,
// three trees and a commit, and moves one ref: six files, and then the
// directories that got a name in them.
func TestASaveIsSynced(t *testing.T) {
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("strace is not installed: apt-get install strace")
	}
	d := hosttest.NewDirectory(t, "main", map[string]string{"README": "a site\n"})
	few, many := syncs(t, strace, d, 2), syncs(t, strace, d, 12)
	perSave := float64(many-few) / 10
	const files = 6
	if perSave < files {
		t.Errorf("%.1f syncs per save, want at least %d", perSave, files)
	}
	t.Logf("%.1f syncs per save", perSave)
}

var synced = regexp.MustCompile(`f(data)?sync\([^)]*\) += 0`)

// syncs is the number of fsync calls, of ours and git's, in a child that saves
// n times.
func syncs(t *testing.T, strace string, d hosttest.Directory, n int) int {
	t.Helper()
	trace := filepath.Join(t.TempDir(), "trace")
	cmd := exec.Command(strace, "-f", "-qq", "-e", "trace=fsync,fdatasync", "-e", "signal=none", "-o", trace, os.Args[0])
	cmd.Env = append(os.Environ(), childVariable+"="+d.Path, fmt.Sprintf("%s=%d", childSaves, n))
	if out, err := cmd.CombinedOutput(); err != nil {
		if strings.Contains(string(out), "ptrace") {
			t.Skipf("strace may not trace here: %s", out)
		}
		t.Fatalf("strace: %v\n%s", err, out)
	}
	data, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	resumed := strings.Count(string(data), "sync resumed>")
	return len(synced.FindAllIndex(data, -1)) + resumed
}
