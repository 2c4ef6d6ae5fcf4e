package git

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"gatehouse/internal/fault"
)

const (
	maxPath    = 4096 // bytes of a path
	maxSegment = 255  // bytes of a file name
	maxRef     = 1024 // bytes of a ref's full name
	lockSuffix = ".lock"
)

// CheckPath refuses (fault.Invalid) a path that must not be written: one that
// leaves the tree, that some file system takes for .git, that a command could
// take for an option, or that cannot be checked out everywhere. Reading needs no
// check, since a tree is only searched.
func CheckPath(p string) error {
	switch {
	case p == "":
		return fault.New(fault.Invalid, "The path is empty")
	case len(p) > maxPath:
		return fault.New(fault.Invalid, "The path %.60q… is longer than %d bytes", p, maxPath)
	case !utf8.ValidString(p):
		return fault.New(fault.Invalid, "The path %q is not valid UTF-8", p)
	case strings.HasPrefix(p, "-"):
		return fault.New(fault.Invalid, "The path %q must not begin with a hyphen", p)
	}
	for segment := range strings.SplitSeq(p, "/") {
		if err := checkSegment(segment); err != "" {
			return fault.New(fault.Invalid, "The path %q %s", p, err)
		}
	}
	return nil
}

// checkSegment says what is wrong with one name of a path; "" is nothing.
func checkSegment(s string) string {
	switch s {
	case "":
		return "must be relative, with one slash between its parts"
	case ".", "..":
		return "must not contain . or .. as a part"
	}
	if len(s) > maxSegment {
		return "has a part that is longer than 255 bytes"
	}
	for _, c := range s {
		if unicode.IsControl(c) || c == '\\' {
			return "must not contain control characters or backslashes"
		}
	}
	if isDotGit(s) {
		return "must not have a part that is .git, or that a computer might take for it"
	}
	return ""
}

// isDotGit reports whether some file system takes the name for .git: in any
// case; with characters that HFS+ ignores; with the trailing dots, spaces and
// stream names that NTFS drops, or as its short name git~1; in compatibility
// forms of the letters.
func isDotGit(s string) bool {
	if isASCII(s) && len(s) > 0 && s[0] != '.' && s[0] != 'g' && s[0] != 'G' {
		return false
	}
	s = strings.Map(func(c rune) rune {
		if unicode.Is(unicode.Cf, c) || unicode.Is(unicode.Variation_Selector, c) || unicode.Is(unicode.Other_Default_Ignorable_Code_Point, c) {
			return -1
		}
		return c
	}, s)
	s = strings.ToLower(norm.NFKC.String(s))
	s, _, _ = strings.Cut(s, ":")
	s = strings.TrimRight(s, ". ")
	return s == ".git" || s == "git~1"
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// CheckBranch refuses (fault.Invalid) a short branch name that Git would not
// take, or that a command could take for something else.
func CheckBranch(name string) error {
	if name == "HEAD" || strings.HasPrefix(name, "-") {
		return fault.New(fault.Invalid, "%q cannot be the name of a branch", name)
	}
	return CheckRef("refs/heads/" + name)
}

// CheckRef refuses (fault.Invalid) a full ref name that Git would not take.
// The name must lie below refs/, at least two levels deep.
func CheckRef(name string) error {
	short := strings.TrimPrefix(strings.TrimPrefix(name, "refs/"), "heads/")
	bad := func(why string) error {
		return fault.New(fault.Invalid, "%.200q cannot be the name of a branch: it %s", short, why)
	}
	rest, ok := strings.CutPrefix(name, "refs/")
	switch {
	case !ok || !strings.Contains(rest, "/"):
		return bad("is not below refs/")
	case len(name) > maxRef:
		return bad("is too long")
	case !utf8.ValidString(name):
		return bad("is not valid UTF-8")
	case strings.Contains(name, "..") || strings.Contains(name, "@{"):
		return bad("contains .. or @{")
	case strings.HasSuffix(name, "."):
		return bad("ends with a dot")
	}
	for i := range len(name) {
		if c := name[i]; c <= ' ' || c == 0x7f || strings.IndexByte(`~^:?*[\`, c) >= 0 {
			return bad("contains a space, a control character or one of ~ ^ : ? * [ \\")
		}
	}
	for segment := range strings.SplitSeq(name, "/") {
		switch {
		case segment == "":
			return bad("begins or ends with a slash, or has two in a row")
		case segment[0] == '.':
			return bad("has a part that begins with a dot")
		case strings.HasSuffix(segment, lockSuffix):
			return bad("has a part that ends with .lock")
		case len(segment) > maxSegment-len(lockSuffix):
			return bad("has a part that is too long")
		}
	}
	return nil
}
