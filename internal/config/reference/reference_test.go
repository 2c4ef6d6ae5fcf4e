package reference

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSettingsDescribesEveryKind(t *testing.T) {
	page, err := Settings("../config.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"**`url`** (text)", "**`database`** (secret)", "**`trusted_proxies`** (list of texts)", "**`timeout`** (time span)",
		"## sites[]", "### sites[].backend", "**`deploy`** (keys, see below)",
	} {
		if !strings.Contains(string(page), want) {
			t.Errorf("%s is missing", want)
		}
	}
	if strings.Contains(string(page), "File is the absolute") {
		t.Error("a field that is no setting is described")
	}
}

func TestSettingsRefusesAFieldWithoutAComment(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config.go")
	if err := os.WriteFile(file, []byte("package config\ntype Config struct { X string `yaml:\"x\"` }\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Settings(file); err == nil || !strings.Contains(err.Error(), "Config.X") {
		t.Errorf("error %v", err)
	}
}
