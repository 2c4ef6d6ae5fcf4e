package store

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gatehouse/internal/fault"
)

// reopen opens the database anew, as a restart would.
func reopen(t *testing.T, p place) error {
	t.Helper()
	s, err := p.Open(t.Context())
	if err == nil {
		err = s.Close()
	}
	return err
}

// sealed brings a secret into the database of a place.
func sealed(t *testing.T, p place) place {
	t.Helper()
	s, err := p.Open(t.Context())
	check(t, err)
	check(t, s.SetSetting(t.Context(), "connector", []byte("hunter-hunter-hunter")))
	check(t, s.Close())
	return p
}

func TestSettingsSurviveARestart(t *testing.T) {
	places(t, func(t *testing.T, p place) {
		sealed(t, p)
		s, _ := p.open(t)
		got, err := s.Setting(t.Context(), "connector")
		if err != nil || string(got) != "hunter-hunter-hunter" {
			t.Errorf("value is %q (%v)", got, err)
		}
		_, err = s.Setting(t.Context(), "other")
		wantKind(t, err, fault.NotFound)
	})
}

func TestSettingsAreNotReadableInTheDatabase(t *testing.T) {
	dir := sealed(t, place{dir: t.TempDir()}).dir
	files, err := filepath.Glob(filepath.Join(dir, "gatehouse.db*"))
	check(t, err)
	for _, f := range files {
		data, err := os.ReadFile(f)
		check(t, err)
		if bytes.Contains(data, []byte("hunter")) {
			t.Errorf("%s holds a secret in clear", f)
		}
	}
}

func TestLostKeyStopsTheStart(t *testing.T) {
	places(t, func(t *testing.T, p place) {
		sealed(t, p)
		key := filepath.Join(p.dir, KeyFile)
		check(t, os.Remove(key))
		err := reopen(t, p)
		wantKind(t, err, fault.Invalid)
		if m := fault.Message(err); !strings.Contains(m, key) || !strings.Contains(m, "missing") {
			t.Errorf("the message does not name the file: %q", m)
		}
		if _, err := os.Stat(key); err == nil {
			t.Error("a new key was made over a sealed database")
		}
	})
}

func TestOtherKeyStopsTheStart(t *testing.T) {
	places(t, func(t *testing.T, p place) {
		sealed(t, p)
		other := sealed(t, place{dir: t.TempDir()}).dir
		data, err := os.ReadFile(filepath.Join(other, KeyFile))
		check(t, err)
		check(t, os.WriteFile(filepath.Join(p.dir, KeyFile), data, 0o600))
		err = reopen(t, p)
		wantKind(t, err, fault.Invalid)
		if m := fault.Message(err); !strings.Contains(m, filepath.Join(p.dir, KeyFile)) || !strings.Contains(m, "another key") {
			t.Errorf("message is %q", m)
		}
	})
}

func TestKeyFileThatIsNone(t *testing.T) {
	good := newKey().line
	for name, text := range map[string]string{
		"empty": "", "another kind": "ssh-rsa AAAA", "cut short": good[:len(good)-8], "no base64": keyPrefix + "!!!",
	} {
		t.Run(name, func(t *testing.T) {
			p := sealed(t, place{dir: t.TempDir()})
			check(t, os.WriteFile(filepath.Join(p.dir, KeyFile), []byte(text), 0o600))
			err := reopen(t, p)
			wantKind(t, err, fault.Invalid)
			if text != "" && strings.Contains(err.Error(), strings.TrimSpace(text)) {
				t.Errorf("the error quotes the file: %v", err)
			}
		})
	}
}

func TestKeyFileOpenToOthers(t *testing.T) {
	p := sealed(t, place{dir: t.TempDir()})
	check(t, os.Chmod(filepath.Join(p.dir, KeyFile), 0o640))
	err := reopen(t, p)
	wantKind(t, err, fault.Invalid)
	if !strings.Contains(fault.Message(err), "chmod 600") {
		t.Errorf("message is %q", fault.Message(err))
	}
}

// A start that ended between the two steps must not end in a refusal.
func TestKeyMadeButDatabaseNotYetSealed(t *testing.T) {
	places(t, func(t *testing.T, p place) {
		key := newKey()
		check(t, writeSynced(filepath.Join(p.dir, KeyFile), key.line))
		s, _ := p.open(t)
		if s.key.id != key.id {
			t.Error("the key that was there is not used")
		}
	})
}

func TestSealedValuesCannotTradePlaces(t *testing.T) {
	k := newKey()
	sealed := k.seal("one", []byte("value"))
	if got, err := k.open("one", sealed); err != nil || string(got) != "value" {
		t.Errorf("opened to %q (%v)", got, err)
	}
	if _, err := k.open("two", sealed); err == nil {
		t.Error("a value opens under another name")
	}
	if k.seal("one", []byte("value")) == sealed {
		t.Error("the same value is sealed to the same text twice")
	}
}

func FuzzSealedText(f *testing.F) {
	k := newKey()
	f.Add(k.seal("x", []byte("value")))
	f.Add("")
	f.Add("AAAA")
	f.Fuzz(func(t *testing.T, text string) {
		if v, err := k.open("x", text); err == nil && string(v) != "value" {
			t.Fatalf("%q opens to %q", text, v)
		}
		if _, err := parseKey(text); err == nil && !strings.Contains(text, keyPrefix) {
			t.Fatalf("%q is taken as a key", text)
		}
	})
}
