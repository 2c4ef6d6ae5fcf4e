package config

import (
	"strings"
	"testing"
)

func TestDatabaseAddresses(t *testing.T) {
	for address, phrase := range map[string]string{
		"postgres://gate:pw@db.example/gatehouse?sslmode=verify-full":             "",
		"postgresql://gate:p%40%2F%23w@db.example:6432/gatehouse?sslmode=require": "",
		"postgres://gate:pw@10.0.0.5/gatehouse?sslmode=disable":                   "",
		"postgres://gate:pw@127.0.0.1/gatehouse":                                  "",
		"postgres://gate:pw@[::1]:5432/gatehouse":                                 "",
		"postgres://gate@/gatehouse?host=/run/postgresql":                         "",
		"postgres://gate:pw@db.example/gatehouse":                                 "db.example is another machine",
		"postgres://gate:pw@/gatehouse?host=db.example":                           "db.example is another machine",
		"postgres://gate:pw@db.example/gatehouse?sslmode=none":                    "sslmode is none of disable, allow",
		"postgres://gate:pw@db.example":                                           "name the user, the host and the database",
		"postgres://gate:pw@/gatehouse":                                           "name the user, the host and the database",
		"postgres://db.example/gatehouse":                                         "name the user, the host and the database",
		"postgres://gate:pw@db.example/gate/house":                                "name the user, the host and the database",
		"postgres://gate:pa/ss@db.example/gatehouse":                              "percent-encoded",
		"postgres://gate:pa#ss@db.example/gatehouse":                              "percent-encoded",
		"postgres://gate:pa%ss@db.example/gatehouse":                              "percent-encoded",
		"postgres:gate:pw":                      "percent-encoded",
		"mysql://gate:pw@db.example/gatehouse":  "only Postgres has an address",
		"host=db.example user=gate password=pw": "only Postgres has an address",
	} {
		err := checkDatabase(address)
		switch {
		case phrase == "" && err != nil:
			t.Errorf("%s is refused: %v", address, err)
		case phrase != "" && (err == nil || !strings.Contains(err.Error(), phrase)):
			t.Errorf("%s: error is %v, want %q", address, err, phrase)
		case err != nil && (strings.Contains(err.Error(), "pw") || strings.Contains(err.Error(), "pa/ss") || strings.Contains(err.Error(), "pa#ss")):
			t.Errorf("%s: the error shows the password: %v", address, err)
		}
	}
}

func FuzzDatabaseAddress(f *testing.F) {
	f.Add("gate", "hunter2hunter2", "@db.example/gatehouse")
	f.Add("gate", "hunter2/hunter2", "@db.example:1/x?sslmode=disable")
	f.Fuzz(func(t *testing.T, user, password, rest string) {
		err := checkDatabase("postgres://" + user + ":" + password + rest)
		if err != nil && len(password) > 8 && strings.Contains(err.Error(), password) &&
			!strings.Contains(rest+"postgres://user:password@host:5432/name?sslmode=verify-full"+strings.Join(sslModes(), ", "), password) {
			t.Fatalf("the error shows the password %q: %v", password, err)
		}
	})
}
