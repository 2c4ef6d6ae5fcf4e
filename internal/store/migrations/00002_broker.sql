-- +goose Up
-- The apps at Git hosts that operators have added in the console.
CREATE TABLE connectors (
    name      TEXT    NOT NULL PRIMARY KEY,
    kind      TEXT    NOT NULL,
    url       TEXT    NOT NULL,
    api       TEXT    NOT NULL,
    client_id TEXT    NOT NULL,
    secret    TEXT    NOT NULL, -- sealed
    slug      TEXT    NOT NULL,
    scope     TEXT    NOT NULL,
    sites     TEXT    NOT NULL, -- a JSON list of strings
    callback  TEXT    NOT NULL,
    ca        TEXT    NOT NULL,
    proxy     TEXT    NOT NULL, -- sealed; empty: none
    private   BOOLEAN NOT NULL,
    no_pkce   BOOLEAN NOT NULL,
    launcher  BOOLEAN NOT NULL,
    created   BIGINT  NOT NULL,
    updated   BIGINT  NOT NULL
);
CREATE UNIQUE INDEX connectors_callback ON connectors (callback) WHERE callback <> '';

-- Sign-ins at Git hosts that are under way.
CREATE TABLE oauth_transactions (
    id        TEXT    NOT NULL PRIMARY KEY,
    cookie    TEXT    NOT NULL UNIQUE, -- SHA-256 of its value, hexadecimal
    state     TEXT    UNIQUE,          -- SHA-256, hexadecimal; null until the host is asked
    status    TEXT    NOT NULL,
    ok        BOOLEAN NOT NULL,        -- it ended well
    site      TEXT    NOT NULL,
    provider  TEXT    NOT NULL,
    connector TEXT    NOT NULL,
    scope     TEXT    NOT NULL,
    redirect  TEXT    NOT NULL,
    origin    TEXT    NOT NULL,
    launcher  BOOLEAN NOT NULL,
    verifier  TEXT    NOT NULL, -- sealed; empty before and after its use
    outcome   TEXT    NOT NULL, -- sealed; empty: none, or forgotten
    created   BIGINT  NOT NULL,
    expires   BIGINT  NOT NULL
);
CREATE INDEX oauth_transactions_expires ON oauth_transactions (expires);
CREATE INDEX oauth_transactions_status ON oauth_transactions (status, created);

-- Whom refresh handles were given to, with the host's refresh token.
CREATE TABLE handle_families (
    id         TEXT   NOT NULL PRIMARY KEY,
    site       TEXT   NOT NULL,
    connector  TEXT   NOT NULL,
    provider   TEXT   NOT NULL,
    origin     TEXT   NOT NULL,
    person     TEXT   NOT NULL,
    generation BIGINT NOT NULL, -- of the newest handle; counts from 1
    refresh    TEXT   NOT NULL, -- the host's, sealed; empty: ended
    answer     TEXT   NOT NULL, -- what the last refresh gave, sealed; empty: forgotten
    repeat     BIGINT NOT NULL, -- until when the former handle gets that answer again
    created    BIGINT NOT NULL,
    used       BIGINT NOT NULL,
    ended      BIGINT NOT NULL  -- 0: alive
);
CREATE INDEX handle_families_used ON handle_families (used);
CREATE INDEX handle_families_person ON handle_families (site, connector, person);

CREATE TABLE handles (
    hash       TEXT   NOT NULL PRIMARY KEY, -- SHA-256 of the handle, hexadecimal
    family     TEXT   NOT NULL REFERENCES handle_families (id) ON DELETE CASCADE,
    generation BIGINT NOT NULL,
    created    BIGINT NOT NULL,
    UNIQUE (family, generation)
);

-- What operators should know: sign-ins, failures, what looked like an attack.
CREATE TABLE events (
    id        BIGINT NOT NULL PRIMARY KEY, -- counts without gaps
    time      BIGINT NOT NULL,
    kind      TEXT   NOT NULL,
    site      TEXT   NOT NULL,
    connector TEXT   NOT NULL,
    page      TEXT   NOT NULL,
    reference TEXT   NOT NULL,
    person    TEXT   NOT NULL,
    origin    TEXT   NOT NULL,
    address   TEXT   NOT NULL,
    detail    TEXT   NOT NULL,
    expires   BIGINT NOT NULL -- milliseconds that a token lives; 0: it does not end
);
CREATE INDEX events_time ON events (time);
CREATE INDEX events_site ON events (site, id);
CREATE INDEX events_kind ON events (kind, id);
CREATE INDEX events_reference ON events (reference) WHERE reference <> '';

-- +goose Down
DROP TABLE events;
DROP TABLE handles;
DROP TABLE handle_families;
DROP TABLE oauth_transactions;
DROP TABLE connectors;
