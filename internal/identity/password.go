package identity

import (
	"crypto/rand"
	_ "embed"
	"strings"
	"unicode/utf8"

	"gatehouse/internal/fault"
)

// What a password may be, in characters. The upper bound is for the machine's
// sake.
const (
	MinPassword = 10
	MaxPassword = 1024
)

//go:embed common.txt
var common string

// CheckPassword reports, as Invalid, why a password will not do for the account
// of a folded e-mail address.
func CheckPassword(email, password string) error {
	n := utf8.RuneCountInString(password)
	folded := strings.ToLower(password)
	local, _, _ := strings.Cut(email, "@")
	switch {
	case n < MinPassword:
		return fault.New(fault.Invalid, "The password is too short: it needs %d characters or more.", MinPassword)
	case n > MaxPassword:
		return fault.New(fault.Invalid, "The password is too long: it may have %d characters.", MaxPassword)
	case !utf8.ValidString(password):
		return fault.New(fault.Invalid, "The password is not valid text in UTF-8.")
	case folded == email || folded == local:
		return fault.New(fault.Invalid, "The password must not be the e-mail address.")
	case isCommon(folded):
		return fault.New(fault.Invalid, "This password is among the first that an attacker tries. Choose another, for example four unrelated words.")
	}
	return nil
}

// isCommon reports whether a folded password is in the list, or is one
// character over and over.
func isCommon(folded string) bool {
	for line := range strings.Lines(common) {
		if strings.TrimSpace(line) == folded {
			return true
		}
	}
	first, size := utf8.DecodeRuneInString(folded)
	return strings.Trim(folded[size:], string(first)) == ""
}

// MakePassword is a random password of 100 bits that can be read aloud: groups
// of letters and digits without those that look alike.
func MakePassword() string {
	const letters = "abcdefghijkmnpqrstuvwxyz23456789" // 32 of them: no bias
	raw := make([]byte, 20)
	_, _ = rand.Read(raw) // crypto/rand never fails
	var b strings.Builder
	for i, x := range raw {
		if i > 0 && i%5 == 0 {
			b.WriteByte('-')
		}
		b.WriteByte(letters[x&31])
	}
	return b.String()
}
