package config

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// sslModes are Postgres' own, from none to all that TLS can do.
func sslModes() []string {
	return []string{"disable", "allow", "prefer", "require", "verify-ca", "verify-full"}
}

// checkDatabase checks the address of a Postgres database, and quotes nothing of
// it but its host: a password that was not encoded may lie anywhere.
func checkDatabase(address string) error {
	const shape = "write postgres://user:password@host:5432/name?sslmode=verify-full" //nolint:gosec // an example
	u, err := url.Parse(address)
	if err != nil {
		return errors.New("this is not an address: " + shape + ", with whatever is special in the password percent-encoded (@ is %40, / is %2F)")
	}
	if u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return errors.New("only Postgres has an address: " + shape + ", or leave database empty for SQLite")
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil || u.Opaque != "" || u.Fragment != "" {
		return errors.New("what follows the host cannot be read: " + shape + ", with whatever is special in the password percent-encoded (# is %23, ? is %3F)")
	}
	host := u.Hostname()
	if host == "" {
		host = query.Get("host")
	}
	name := strings.TrimPrefix(u.Path, "/")
	if host == "" || u.User.Username() == "" || name == "" || strings.Contains(name, "/") {
		return errors.New("name the user, the host and the database: " + shape + ", or postgres://user@/name?host=/run/postgresql for a socket")
	}
	mode := query.Get("sslmode")
	switch {
	case mode == "" && (strings.HasPrefix(host, "/") || loopback(host)):
		return nil
	case mode == "":
		return fmt.Errorf("%s is another machine, so say how the way there is protected: sslmode=verify-full (with sslrootcert=FILE for an authority of your own), or sslmode=disable when nobody else is on that network", host)
	case !slices.Contains(sslModes(), mode):
		return fmt.Errorf("sslmode is none of %s", strings.Join(sslModes(), ", "))
	}
	return nil
}
