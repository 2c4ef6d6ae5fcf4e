-- +goose Up
ALTER TABLE users ADD COLUMN folded_name TEXT NOT NULL DEFAULT ''; -- to search and sort by
ALTER TABLE users ADD COLUMN language TEXT NOT NULL DEFAULT '';    -- empty: not known
ALTER TABLE users ADD COLUMN invited BIGINT NOT NULL DEFAULT 0;    -- last; 0: never
ALTER TABLE users ADD COLUMN proven BIGINT NOT NULL DEFAULT 0;     -- 0: others may know the password
ALTER TABLE users ADD COLUMN disabled BIGINT NOT NULL DEFAULT 0;   -- 0: not
ALTER TABLE users ADD COLUMN last_seen BIGINT NOT NULL DEFAULT 0;  -- 0: never
UPDATE users SET folded_name = lower(name), proven = confirmed, last_seen = last_sign_in;
CREATE INDEX users_created ON users (created);

-- Why a membership gives nothing yet; empty: it does.
ALTER TABLE memberships ADD COLUMN pending TEXT NOT NULL DEFAULT '';

-- What was mailed to people, to be used once.
CREATE TABLE one_time_tokens (
    hash    TEXT   NOT NULL PRIMARY KEY, -- SHA-256 of the token, hexadecimal
    user_id TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    kind    TEXT   NOT NULL,
    site    TEXT   NOT NULL,
    email   TEXT   NOT NULL, -- that it was mailed to
    content TEXT   NOT NULL, -- what its use brings about, sealed; empty: nothing more
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    UNIQUE (user_id, kind, site)
);
CREATE INDEX one_time_tokens_expires ON one_time_tokens (expires);

-- How people come to a site's accounts.
CREATE TABLE policies (
    site    TEXT   NOT NULL PRIMARY KEY,
    policy  TEXT   NOT NULL, -- a JSON object
    updated BIGINT NOT NULL
);

-- The address of whoever did it, where that is not the person concerned.
ALTER TABLE events ADD COLUMN actor TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE events DROP COLUMN actor;
DROP TABLE policies;
DROP TABLE one_time_tokens;
ALTER TABLE memberships DROP COLUMN pending;
DROP INDEX users_created;
ALTER TABLE users DROP COLUMN last_seen;
ALTER TABLE users DROP COLUMN disabled;
ALTER TABLE users DROP COLUMN proven;
ALTER TABLE users DROP COLUMN invited;
ALTER TABLE users DROP COLUMN language;
ALTER TABLE users DROP COLUMN folded_name;
