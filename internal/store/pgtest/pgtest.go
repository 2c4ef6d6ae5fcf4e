// Package pgtest gives each test a Postgres database of its own, at the server
// that GATEHOUSE_TEST_POSTGRES names. tools/postgres.sh starts one and names it.
package pgtest

import (
	"context"
	"crypto/rand"
	"database/sql"
	"net/url"
	"os"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
)

// Enabled reports whether there is a server.
func Enabled() bool { return server() != "" }

func server() string { return os.Getenv("GATEHOUSE_TEST_POSTGRES") }

// Database is the address of a new, empty database, which goes with the test.
// Without a server the test is skipped.
func Database(t testing.TB) string {
	t.Helper()
	if !Enabled() {
		t.Skip("there is no Postgres server: run this by tools/postgres.sh")
	}
	name := "t_" + strings.ToLower(rand.Text())
	Exec(t, server(), `CREATE DATABASE `+name)
	t.Cleanup(func() { Exec(t, server(), `DROP DATABASE `+name+` WITH (FORCE)`) })
	u, err := url.Parse(server())
	if err != nil {
		t.Fatal("GATEHOUSE_TEST_POSTGRES is not an address") // the cause would quote it
	}
	u.Path = "/" + name
	return u.String()
}

// Exec runs statements that are none of the store's business at an address.
func Exec(t testing.TB, address string, statements ...string) {
	t.Helper()
	ctx := context.Background() // t's has ended when it is cleaned up
	db, err := sql.Open("pgx", address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }() // nothing depends on it
	for _, statement := range statements {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			t.Fatal(err)
		}
	}
}

// Contents is every row of the database at an address, as text.
func Contents(t testing.TB, address string) string {
	t.Helper()
	db, err := sql.Open("pgx", address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }() // it was only read
	ctx := context.Background()
	var all strings.Builder
	for _, table := range column(ctx, t, db, `SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1`) {
		for _, row := range column(ctx, t, db, `SELECT CAST(x AS TEXT) FROM "`+table+`" x`) {
			all.WriteString(table + row + "\n")
		}
	}
	return all.String()
}

func column(ctx context.Context, t testing.TB, db *sql.DB, query string) []string {
	t.Helper()
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }() // rows.Err tells
	var all []string
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			t.Fatal(err)
		}
		all = append(all, text)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}
