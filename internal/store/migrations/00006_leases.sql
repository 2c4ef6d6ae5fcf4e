-- +goose Up
-- Until when one process alone asks the host for a new token; 0: nobody does.
ALTER TABLE handle_families ADD COLUMN leased BIGINT NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE handle_families DROP COLUMN leased;
