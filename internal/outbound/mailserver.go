package outbound

import (
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"gatehouse/internal/fault"
)

// Encryption is how a connection to a mail server is protected.
type Encryption string

// The kinds of Encryption.
const (
	StartTLS    Encryption = "starttls" // begun in the clear, then TLS or nothing
	ImplicitTLS Encryption = "tls"      // TLS from the first byte
	NoTLS       Encryption = "none"     // for the machine itself, and where the operator says so
)

// MailServer is where outgoing mail is handed over.
type MailServer struct {
	Host       string // a name or an IP address without brackets
	Port       string
	User       string // empty: no authentication
	Password   string
	Encryption Encryption
}

// Address is host:port.
func (m MailServer) Address() string { return net.JoinHostPort(m.Host, m.Port) }

// howToName is the end of every refusal. None of them quotes the URL, which has
// a password in it.
const howToName = "Write smtp://user:password@mail.example.org:587, or smtps:// where TLS begins at once (port 465)."

// ParseMailServer reads smtp://user:password@host:port (STARTTLS, port 587
// unless named) and smtps://… (TLS from the start, port 465). A server on this
// machine is spoken to in the clear unless the URL says ?tls=starttls; any other
// one only when it says ?tls=none, and then without a password.
//
// Its faults are Invalid and hold nothing of the URL but the host, the port and
// the names of parameters.
func ParseMailServer(raw string) (MailServer, error) {
	u, err := url.Parse(raw)
	if err != nil {
		// The parser's error repeats what it was given.
		return MailServer{}, fault.New(fault.Invalid, "This is no URL; in a user name or password, signs such as : / ? # [ ] @ %% and spaces are written as %%3A %%2F and so on. %s", howToName)
	}
	m := MailServer{Host: u.Hostname(), Port: u.Port()}
	switch u.Scheme {
	case "smtp":
		m.Encryption = StartTLS
	case "smtps":
		m.Encryption = ImplicitTLS
	default:
		return MailServer{}, fault.New(fault.Invalid, "The URL does not begin with smtp:// or smtps://. %s", howToName)
	}
	if err := m.checkHost(u); err != nil {
		return MailServer{}, err
	}
	if u.User != nil {
		m.User = u.User.Username()
		m.Password, _ = u.User.Password()
		if m.User == "" || m.Password == "" || strings.ContainsAny(m.User+m.Password, "\r\n\x00") {
			return MailServer{}, fault.New(fault.Invalid, "A user name needs a password, and a password a user name. %s", howToName)
		}
	}
	return m.encrypt(u)
}

func (m *MailServer) checkHost(u *url.URL) error {
	if m.Host == "" || strings.ContainsFunc(m.Host, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`"<>\^{|}`+"`", r) }) {
		return fault.New(fault.Invalid, "The URL names no mail server; a name with other than ASCII letters is written with xn--. %s", howToName)
	}
	if u.Path != "" && u.Path != "/" || u.Fragment != "" || u.RawFragment != "" {
		return fault.New(fault.Invalid, "Nothing but ?tls= may follow host and port; signs such as / and # in a password are written as %%2F and %%23. %s", howToName)
	}
	if m.Port == "" {
		m.Port = "587"
		if m.Encryption == ImplicitTLS {
			m.Port = "465"
		}
	}
	if n, err := strconv.ParseUint(m.Port, 10, 16); err != nil || n == 0 {
		return fault.New(fault.Invalid, "The port must be a number up to 65535. %s", howToName)
	}
	if m.Port == "465" && m.Encryption == StartTLS {
		return fault.New(fault.Invalid, "At port 465 TLS begins at once: write smtps:// instead of smtp://.")
	}
	return nil
}

func (m MailServer) encrypt(u *url.URL) (MailServer, error) {
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return MailServer{}, fault.New(fault.Invalid, "What follows the ? cannot be read. %s", howToName)
	}
	for key, values := range query {
		allowed := []string{"none", "starttls"}
		if m.Encryption == ImplicitTLS {
			return MailServer{}, fault.New(fault.Invalid, "smtps:// is TLS from the start: it takes no ? behind it.")
		}
		if key != "tls" || len(values) != 1 || !slices.Contains(allowed, values[0]) {
			return MailServer{}, fault.New(fault.Invalid, "After the ? there can be tls=none or tls=starttls. %s", howToName)
		}
	}
	local := isLoopback(m.Host)
	switch {
	case m.Encryption == ImplicitTLS:
	case query.Get("tls") == "none", local && !query.Has("tls"):
		m.Encryption = NoTLS
	}
	if m.Encryption == NoTLS && m.Password != "" && !local {
		return MailServer{}, fault.New(fault.Invalid, "With tls=none the password would cross the network in the clear: leave out one of the two.")
	}
	return m, nil
}
