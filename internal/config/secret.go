package config

import "log/slog"

// Secret is a value that never shows itself: fmt, log/slog, JSON and YAML all
// print a word instead. Reveal is the one way to read it, and easy to search for.
type Secret struct {
	value string
	file  string
}

// Reveal is the secret itself.
func (s Secret) Reveal() string { return s.value }

// File is the absolute name of the file that the secret came from; empty when it
// was given otherwise.
func (s Secret) File() string { return s.file }

// Empty reports whether there is none.
func (s Secret) Empty() bool { return s.value == "" }

func (s Secret) redacted() string {
	if s.value == "" {
		return ""
	}
	return "[secret]"
}

// String is for %s and %v.
func (s Secret) String() string { return s.redacted() }

// GoString is for %#v.
func (s Secret) GoString() string { return `config.Secret("` + s.redacted() + `")` }

// LogValue is for log/slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.redacted()) }

// MarshalText is for JSON, YAML and whatever else encodes values.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.redacted()), nil }
