package git

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"gatehouse/internal/fault"
)

var goodPaths = []string{
	"a", "a/b/c.md", "content/posts/2024-01-01-é.md", ".github/workflows/x.yml", ".gitignore", ".gitattributes", "a/-b",
	"git", "a.git", "x/.gitkeep", "git~2", "日本/語.md", "a b/c d", ".g", "...", "a/...b", "👩‍🚀.md", "a:b", "con.md",
}

var badPaths = []string{
	"", "/", "/a", "a/", "a//b", ".", "..", "a/..", "../a", "a/./b", "-rf", "-", "a\\b", "a\x00b", "a\nb", "a\tb", "\x7f", "\u0085",
	".git", ".GIT", ".Git/config", "a/.gIt/hooks/x", ".git.", ".git ", ".git. .", ".git::$INDEX_ALLOCATION", ".git:x", "git~1", "GIT~1/x", "git~1.",
	".g\u200cit", "\u200e.git", ".git\ufeff", ".g\u206ait", "\u202e.git/x", ".ｇit", "．git", ".g\u00adit", ".gi\u034ft", ".g\ufe0fit",
	"\xff", "a/\xc3(", strings.Repeat("x", 256), strings.Repeat("a/", 2048) + "a",
}

func TestCheckPath(t *testing.T) {
	for _, p := range goodPaths {
		if err := CheckPath(p); err != nil {
			t.Errorf("%q is refused: %v", p, err)
		}
	}
	for _, p := range badPaths {
		if err := CheckPath(p); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %v", p, err)
		}
	}
}

// FuzzCheckPath holds what is accepted against git itself, told to protect both
// NTFS and HFS+.
func FuzzCheckPath(f *testing.F) {
	for _, p := range append(goodPaths, badPaths...) {
		f.Add(p)
	}
	r := newBare(f)
	const empty = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"
	f.Fuzz(func(t *testing.T, p string) {
		if CheckPath(p) != nil {
			return
		}
		cmd := exec.Command("git", "-c", "core.protectNTFS=true", "-c", "core.protectHFS=true", "update-index", "--add", "-z", "--index-info")
		cmd.Env = append(os.Environ(), "GIT_DIR="+r.Dir, "GIT_INDEX_FILE="+t.TempDir()+"/index", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null")
		cmd.Stdin = strings.NewReader("100644 " + empty + "\t" + p + "\x00")
		if out, err := cmd.CombinedOutput(); err != nil || strings.Contains(string(out), "Ignoring path") {
			t.Errorf("%q is accepted, but git says: %v %s", p, err, out)
		}
	})
}

var branchNames = []string{
	"main", "cms/posts/a", "a.b", "a@b", "é", "a-", "x/-y", "@", "@@", "v1.0", "a{b}", "HEAD/x", "x/HEAD", "cms/pages/about%2Fus",
	"", "HEAD", "-x", "a b", "a..b", ".a", "a/.b", "a.", "a.lock", "a.lock/b", "a/", "/a", "a//b", "a~1", "a^", "a:b", "a?", "a*", "a[b", "a\\b",
	"a@{b", "a\x01", "a\x7f", "\t", "a.lock.x", "b.LOCK", "..", ".", "a/..", "\u0085",
}

func TestCheckBranchAgreesWithGit(t *testing.T) {
	for _, name := range branchNames {
		git := exec.Command("git", "check-ref-format", "--branch", name).Run() == nil
		if ours := CheckBranch(name); (ours == nil) != git {
			t.Errorf("%q: git takes it: %v; we say %v", name, git, ours)
		}
	}
	for _, name := range []string{"\xff", "a\x00b", strings.Repeat("x", 251), strings.Repeat("x/", 600) + "x"} {
		if err := CheckBranch(name); !fault.Is(err, fault.Invalid) {
			t.Errorf("%.20q: %v", name, err)
		}
	}
	for _, name := range []string{"refs/x", "HEAD", "main", "refs/../x/y", "refs//x/y", "", "refs/heads/"} {
		if err := CheckRef(name); !fault.Is(err, fault.Invalid) {
			t.Errorf("ref %q: %v", name, err)
		}
	}
}

func FuzzCheckBranch(f *testing.F) {
	for _, name := range branchNames {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if CheckBranch(name) != nil {
			return
		}
		if err := exec.Command("git", "check-ref-format", "--branch", name).Run(); err != nil {
			t.Errorf("%q is accepted, but not by git", name)
		}
	})
}
