-- +goose Up
-- Who people were at the identity server that they came from.
CREATE TABLE aliases (
    site     TEXT    NOT NULL,
    old_id   TEXT    NOT NULL,
    user_id  TEXT    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    founding BOOLEAN NOT NULL, -- the account came to be by an import
    password TEXT    NOT NULL, -- old hash that may become the account's; empty: none, or none any more
    asked    BIGINT  NOT NULL, -- to choose a password, by mail; 0: not
    created  BIGINT  NOT NULL,
    PRIMARY KEY (site, old_id)
);
CREATE INDEX aliases_user ON aliases (user_id);

-- +goose Down
DROP TABLE aliases;
