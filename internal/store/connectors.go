package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"time"

	"gatehouse/internal/fault"
)

// Connector is an app at a Git host that an operator has added. Secret and
// Proxy (its URL may hold a password) lie sealed in the database.
type Connector struct {
	Name     string // unique
	Kind     string
	URL      string
	API      string
	ClientID string
	Secret   string
	Slug     string
	Scope    string
	Sites    []string // nil when read: none
	Callback string   // path; unique unless it is empty
	CA       string
	Proxy    string // empty: none
	Private  bool
	NoPKCE   bool
	Launcher bool
	Created  time.Time // decided by the store
	Updated  time.Time // decided by the store; no two versions have the same
}

const connectorColumns = `name, kind, url, api, client_id, secret, slug, scope, sites, callback, ca, proxy, private, no_pkce, launcher, created, updated`

// AddConnector adds a connector. Conflict when its name, or its callback path,
// is taken.
func (s *Store) AddConnector(ctx context.Context, c Connector) error {
	sites, err := list(c.Sites)
	if err != nil {
		return failed(err)
	}
	now := ms(s.Now())
	_, err = s.exec(ctx, `
		INSERT INTO connectors (`+connectorColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $16)`,
		c.Name, c.Kind, c.URL, c.API, c.ClientID, s.sealConnector(c.Name, "secret", c.Secret), c.Slug, c.Scope, sites,
		c.Callback, c.CA, s.sealConnector(c.Name, "proxy", c.Proxy), c.Private, c.NoPKCE, c.Launcher, now)
	return err
}

// UpdateConnector changes everything of a connector but its name; an empty
// Secret leaves the one that is kept. c.Updated is the version that was looked
// at: Conflict when it was changed since (or the callback path is taken),
// NotFound when there is none of that name.
func (s *Store) UpdateConnector(ctx context.Context, c Connector) error {
	sites, err := list(c.Sites)
	if err != nil {
		return failed(err)
	}
	return s.tx(ctx, func(tx *sql.Tx) error {
		old, err := s.scanConnector(tx.QueryRowContext(ctx, `SELECT `+connectorColumns+` FROM connectors WHERE name = $1`, c.Name))
		if err != nil {
			return err
		}
		if c.Secret == "" {
			c.Secret = old.Secret
		}
		// A version is a time, so it has to be later than the one before
		// even if the clock has not moved.
		updated := max(ms(s.Now()), ms(old.Updated)+1)
		res, err := tx.ExecContext(ctx, `
			UPDATE connectors SET kind = $2, url = $3, api = $4, client_id = $5, secret = $6, slug = $7, scope = $8, sites = $9,
				callback = $10, ca = $11, proxy = $12, private = $13, no_pkce = $14, launcher = $15, updated = $16
			WHERE name = $1 AND updated = $17`,
			c.Name, c.Kind, c.URL, c.API, c.ClientID, s.sealConnector(c.Name, "secret", c.Secret), c.Slug, c.Scope, sites,
			c.Callback, c.CA, s.sealConnector(c.Name, "proxy", c.Proxy), c.Private, c.NoPKCE, c.Launcher, updated, ms(c.Updated))
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 1 {
			return err
		}
		return fault.New(fault.Conflict, "The connector %s was changed by somebody else in the meantime. Load it again.", c.Name)
	})
}

// DeleteConnector removes a connector. NotFound when there is none of that
// name.
func (s *Store) DeleteConnector(ctx context.Context, name string) error {
	return s.tx(ctx, func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, `DELETE FROM connectors WHERE name = $1 RETURNING name`, name).Scan(&name)
	})
}

// Connector is the connector with a name, its secrets unsealed. NotFound when
// there is none.
func (s *Store) Connector(ctx context.Context, name string) (Connector, error) {
	return s.scanConnector(s.read.QueryRowContext(ctx, `SELECT `+connectorColumns+` FROM connectors WHERE name = $1`, name))
}

// Connectors are all of them, secrets unsealed, by name.
func (s *Store) Connectors(ctx context.Context) ([]Connector, error) {
	rows, err := s.read.QueryContext(ctx, `SELECT `+connectorColumns+` FROM connectors ORDER BY name`)
	if err != nil {
		return nil, failed(err)
	}
	defer func() { _ = rows.Close() }() // rows.Err tells what matters
	var all []Connector
	for rows.Next() {
		c, err := s.scanConnector(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, failed(rows.Err())
}

func (s *Store) scanConnector(row scanner) (Connector, error) {
	var c Connector
	var sites string
	var created, updated int64
	err := row.Scan(&c.Name, &c.Kind, &c.URL, &c.API, &c.ClientID, &c.Secret, &c.Slug, &c.Scope, &sites,
		&c.Callback, &c.CA, &c.Proxy, &c.Private, &c.NoPKCE, &c.Launcher, &created, &updated)
	if err != nil {
		return Connector{}, failed(err)
	}
	c.Created, c.Updated = at(created), at(updated)
	if err := json.Unmarshal([]byte(sites), &c.Sites); err != nil {
		return Connector{}, failed(err)
	}
	if len(c.Sites) == 0 {
		c.Sites = nil
	}
	if c.Secret, err = s.openText(connectorSeal(c.Name, "secret"), c.Secret); err != nil {
		return Connector{}, err
	}
	if c.Proxy, err = s.openText(connectorSeal(c.Name, "proxy"), c.Proxy); err != nil {
		return Connector{}, err
	}
	return c, nil
}

func connectorSeal(name, field string) string { return "connector " + name + " " + field }

func (s *Store) sealConnector(name, field, value string) string {
	return s.sealText(connectorSeal(name, field), value)
}

// list is a JSON list, also of a nil slice.
func list(values []string) (string, error) {
	if values == nil {
		return "[]", nil
	}
	data, err := json.Marshal(values)
	return string(data), err
}
