package auth

import (
	"encoding/base64"
	"testing"
)

// N15: states, verifiers, cookies and handles are of one make.
func TestN15TenThousandStates(t *testing.T) {
	seen := map[string]bool{}
	for range 10_000 {
		x := NewToken()
		if raw, err := base64.RawURLEncoding.DecodeString(x); err != nil || len(raw) != 32 || seen[x] {
			t.Fatalf("%q: %d bytes, %v", x, len(raw), err)
		}
		seen[x] = true
	}
}
