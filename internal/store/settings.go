package store

import (
	"context"
)

type sealedRow struct{ keyID, value string }

func (s *Store) sealed(ctx context.Context, name string) (sealedRow, error) {
	var r sealedRow
	err := s.read.QueryRowContext(ctx, `SELECT key_id, value FROM settings WHERE name = $1`, name).Scan(&r.keyID, &r.value)
	return r, failed(err)
}

// Setting is a secret value, unsealed. NotFound when it was never set.
func (s *Store) Setting(ctx context.Context, name string) ([]byte, error) {
	r, err := s.sealed(ctx, name)
	if err != nil {
		return nil, err
	}
	value, err := s.key.open(name, r.value)
	return value, failed(err)
}

// SetSetting seals value and keeps it in place of an earlier one.
func (s *Store) SetSetting(ctx context.Context, name string, value []byte) error {
	_, err := s.exec(ctx, `
		INSERT INTO settings (name, key_id, value, updated) VALUES ($1, $2, $3, $4)
		ON CONFLICT (name) DO UPDATE SET key_id = excluded.key_id, value = excluded.value, updated = excluded.updated`,
		name, s.key.id, s.key.seal(name, value), ms(s.Now()))
	return err
}

// SettingOnce keeps value unless there is one, and returns what there is now:
// of two processes that start at once, both get the same.
func (s *Store) SettingOnce(ctx context.Context, name string, value []byte) ([]byte, error) {
	_, err := s.exec(ctx, `
		INSERT INTO settings (name, key_id, value, updated) VALUES ($1, $2, $3, $4)
		ON CONFLICT (name) DO NOTHING`, name, s.key.id, s.key.seal(name, value), ms(s.Now()))
	if err != nil {
		return nil, err
	}
	return s.Setting(ctx, name)
}
