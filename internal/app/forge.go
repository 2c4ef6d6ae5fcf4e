package app

import (
	"bytes"
	"os"
	"path/filepath"
)

// forge says to which server a bare repository belongs: "Gitea", "Forgejo" or
// nothing. Both leave hooks behind that call their own binary.
func forge(gitDir string) string {
	for _, pattern := range []string{"hooks/*.d/*", "hooks/*"} {
		files, err := filepath.Glob(filepath.Join(gitDir, pattern))
		if err != nil {
			continue
		}
		for _, file := range files {
			if owner := hookOwner(file); owner != "" {
				return owner
			}
		}
	}
	return ""
}

func hookOwner(file string) string {
	info, err := os.Stat(file)
	if err != nil || !info.Mode().IsRegular() || info.Size() > 64<<10 {
		return ""
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	text = bytes.ToLower(text)
	switch {
	case filepath.Ext(file) == ".sample":
		return ""
	case bytes.Contains(text, []byte("forgejo")):
		return "Forgejo"
	case bytes.Contains(text, []byte("gitea")):
		return "Gitea"
	}
	return ""
}
