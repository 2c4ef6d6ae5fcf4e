-- +goose Up
-- Outgoing mail, from when it was written until some time after it was sent.
CREATE TABLE mails (
    id        TEXT   NOT NULL PRIMARY KEY,
    site      TEXT   NOT NULL, -- empty: none
    kind      TEXT   NOT NULL,
    recipient TEXT   NOT NULL,
    subject   TEXT   NOT NULL,
    content   TEXT   NOT NULL, -- sealed: it holds links that let people in
    status    TEXT   NOT NULL,
    turn      BIGINT NOT NULL, -- counts how often it was taken or put back
    tries     BIGINT NOT NULL,
    error     TEXT   NOT NULL, -- why the last try failed, for people
    created   BIGINT NOT NULL,
    expires   BIGINT NOT NULL, -- of its link; 0: it has none that ends
    next      BIGINT NOT NULL, -- waiting: when to try; sending: until when it is taken
    settled   BIGINT NOT NULL  -- when it came to its end; 0: not yet
);
CREATE INDEX mails_status ON mails (status, next);
CREATE INDEX mails_created ON mails (created);
CREATE INDEX mails_site ON mails (site, created);

-- +goose Down
DROP TABLE mails;
