package mail

import (
	netmail "net/mail"
	"net/url"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"

	"gatehouse/internal/fault"
)

// Bounds of texts from outside, in characters.
const (
	maxName    = 80
	maxData    = 200
	maxSubject = 150
	maxLink    = 2048 // bytes
)

// line makes one line of a text from outside: no control or layout characters
// (such as those that turn the direction of writing), single spaces, at most max
// characters.
func line(s string, limit int) string {
	s = norm.NFC.String(strings.ToValidUTF8(s, ""))
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r), unicode.IsControl(r):
			return ' '
		case unicode.In(r, unicode.Cf, unicode.Co, unicode.Cs, unicode.Zl, unicode.Zp) && r != '\u200d' && r != '\u200c':
			return -1 // joiners stay: some scripts are written with them
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	if utf8.RuneCountInString(s) <= limit {
		return s
	}
	return strings.TrimSpace(string([]rune(s)[:limit-1])) + "…"
}

// advert is what a name does not have and an advertisement does: an address.
var advert = regexp.MustCompile(`[/\\@:<>]|\.\p{L}{2,}|(?i)www\.`)

// personName is a name to greet somebody with, or nothing when it looks like a
// message of its own. Whoever signs up chooses it, and the mail then goes to an
// address of their choice: it must not carry advertisements.
func personName(s string) string {
	s = line(s, maxName)
	if advert.MatchString(s) || strings.HasSuffix(s, "…") {
		return ""
	}
	return s
}

// recipient is a plain address in the form that mail servers take: its domain in
// ASCII. Invalid when it is none.
func recipient(s string) (string, error) {
	refused := fault.New(fault.Invalid, "%q is no e-mail address. Give it as name@example.org.", line(s, maxData))
	s = norm.NFC.String(strings.TrimSpace(s))
	if !utf8.ValidString(s) || len(s) > 254 || strings.ContainsFunc(s, unwanted) {
		return "", refused
	}
	a, err := netmail.ParseAddress(s)
	if err != nil || a.Name != "" || a.Address != s {
		return "", refused
	}
	at := strings.LastIndexByte(s, '@')
	local, domain := s[:at], s[at+1:]
	if len(local) > 64 || strings.ContainsAny(domain, "[]") {
		return "", refused
	}
	domain, err = idna.Lookup.ToASCII(domain)
	if err != nil || domain == "" {
		return "", refused
	}
	return local + "@" + domain, nil
}

func unwanted(r rune) bool {
	return unicode.IsSpace(r) || unicode.IsControl(r) || unicode.In(r, unicode.Cf) || r == utf8.RuneError || r == '<' || r == '>' || r == '"'
}

// ParseSender reads an address with or without a name, as in "The Blog
// <cms@example.org>". Invalid when it is none.
func ParseSender(s string) (*netmail.Address, error) {
	a, err := netmail.ParseAddress(s)
	if err == nil && !strings.ContainsAny(s, "\r\n") {
		if a.Address, err = recipient(a.Address); err == nil && ascii(a.Address) {
			a.Name = line(a.Name, maxName)
			return a, nil
		}
	}
	return nil, fault.New(fault.Invalid, "%q is no sender. Write an address, cms@example.org, or a name and an address, The Blog <cms@example.org>.", line(s, maxData))
}

func ascii(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r > unicode.MaxASCII })
}

// isLink reports whether s is an absolute address of the web, of one plain line.
func isLink(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Hostname() != "" && u.User == nil && len(s) <= maxLink &&
		!strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`"<>\^{|}`+"`'", r) })
}

func isSecureLink(s string) bool { return strings.HasPrefix(s, "https://") && isLink(s) }
