-- Ids are text, times are milliseconds since 1970, lists and maps are JSON.
-- +goose Up
CREATE TABLE settings (
    name    TEXT   NOT NULL PRIMARY KEY,
    key_id  TEXT   NOT NULL, -- of the key that sealed the value
    value   TEXT   NOT NULL, -- sealed, base64
    updated BIGINT NOT NULL
);

CREATE TABLE users (
    id            TEXT    NOT NULL PRIMARY KEY,
    email         TEXT    NOT NULL UNIQUE, -- folded
    name          TEXT    NOT NULL,
    operator      BOOLEAN NOT NULL,
    password      TEXT    NOT NULL, -- a PHC string; empty: cannot sign in with a password
    user_metadata TEXT    NOT NULL, -- a JSON object
    created       BIGINT  NOT NULL,
    updated       BIGINT  NOT NULL,
    confirmed     BIGINT  NOT NULL, -- 0: not confirmed
    last_sign_in  BIGINT  NOT NULL  -- 0: never
);

CREATE TABLE memberships (
    user_id TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    site    TEXT   NOT NULL,
    roles   TEXT   NOT NULL, -- a JSON list of strings
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL,
    PRIMARY KEY (user_id, site)
);
CREATE INDEX memberships_site ON memberships (site);

-- A browser's session (token_hash set), or a family of refresh tokens.
CREATE TABLE sessions (
    id         TEXT   NOT NULL PRIMARY KEY,
    user_id    TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    site       TEXT   NOT NULL, -- of a family; empty for a browser
    token_hash TEXT   UNIQUE,   -- SHA-256 of the cookie, hexadecimal
    created    BIGINT NOT NULL,
    seen       BIGINT NOT NULL,
    expires    BIGINT NOT NULL,
    agent      TEXT   NOT NULL,
    address    TEXT   NOT NULL
);
CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_expires ON sessions (expires);

CREATE TABLE refresh_tokens (
    hash       TEXT   NOT NULL PRIMARY KEY, -- SHA-256 of the token, hexadecimal
    session_id TEXT   NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    generation BIGINT NOT NULL, -- counts from 1 in its family
    created    BIGINT NOT NULL,
    expires    BIGINT NOT NULL,
    replaced   BIGINT NOT NULL  -- by the next generation; 0: this is the newest
);
CREATE INDEX refresh_tokens_session ON refresh_tokens (session_id);

CREATE TABLE throttles (
    key      TEXT   NOT NULL PRIMARY KEY,
    failures BIGINT NOT NULL,
    last     BIGINT NOT NULL, -- attempt that counted
    until    BIGINT NOT NULL  -- attempts before are refused; 0: none is
);
CREATE INDEX throttles_oldest ON throttles (until, last);

-- Which version of a path a reader was served, oldest since the last save.
CREATE TABLE served (
    reader     TEXT    NOT NULL,
    key        TEXT    NOT NULL,
    path       TEXT    NOT NULL,
    blob       TEXT    NOT NULL,
    conflicted BOOLEAN NOT NULL,
    updated    BIGINT  NOT NULL,
    PRIMARY KEY (reader, key, path)
);
CREATE INDEX served_updated ON served (updated);

-- The head of a site's branch when a reader began.
CREATE TABLE seen (
    reader    TEXT   NOT NULL,
    site      TEXT   NOT NULL,
    commit_id TEXT   NOT NULL,
    updated   BIGINT NOT NULL,
    PRIMARY KEY (reader, site)
);
CREATE INDEX seen_updated ON seen (updated);

-- +goose Down
DROP TABLE seen;
DROP TABLE served;
DROP TABLE throttles;
DROP TABLE refresh_tokens;
DROP TABLE sessions;
DROP TABLE memberships;
DROP TABLE users;
DROP TABLE settings;
