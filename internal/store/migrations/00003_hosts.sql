-- +goose Up
-- A connector can be given another host. What came from one host must never go
-- to the next, so it is kept where it came from; empty: from before this was
-- kept, and good for no host.
ALTER TABLE oauth_transactions ADD COLUMN host TEXT NOT NULL DEFAULT '';
ALTER TABLE handle_families ADD COLUMN host TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE handle_families DROP COLUMN host;
ALTER TABLE oauth_transactions DROP COLUMN host;
