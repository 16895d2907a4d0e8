-- Times are text in whole milliseconds (UTC), so that they sort; failed_at is µs since 1970.

CREATE TABLE users (
    uuid            TEXT NOT NULL PRIMARY KEY,
    name            TEXT NOT NULL,
    email           TEXT NOT NULL UNIQUE,
    email_key       TEXT NOT NULL UNIQUE,  -- the e-mail folded, so that two spellings of one are the same
    hashed_password TEXT,                  -- argon2id; null: no login by password
    created_at      TEXT NOT NULL
);

CREATE TABLE tenants (
    uuid       TEXT NOT NULL PRIMARY KEY,  -- stays reserved when the tenant is deleted
    name       TEXT NOT NULL,
    user_id    TEXT REFERENCES users (uuid),  -- the owner; null once a deleted tenant's owner is deleted too
    state      TEXT NOT NULL CHECK (state IN ('creating', 'active', 'deleting', 'deleted')),
    created_at TEXT NOT NULL,
    CHECK (user_id IS NOT NULL OR state = 'deleted')
);
CREATE INDEX tenants_user_id ON tenants (user_id);

CREATE TABLE tokens (
    id           TEXT NOT NULL PRIMARY KEY,
    user_id      TEXT NOT NULL REFERENCES users (uuid) ON DELETE CASCADE,
    hashed_token TEXT NOT NULL UNIQUE,  -- SHA-256 of the token, in hex; the token itself is nowhere
    device_name  TEXT NOT NULL,
    created_at   TEXT NOT NULL,
    expires_at   TEXT NOT NULL
);
CREATE INDEX tokens_user_id ON tokens (user_id);

CREATE TABLE failed_logins (
    account   TEXT NOT NULL,  -- the folded e-mail that was tried
    address   TEXT NOT NULL,  -- where the attempt came from
    failed_at INTEGER NOT NULL
);
CREATE INDEX failed_logins_account ON failed_logins (account, address, failed_at);
CREATE INDEX failed_logins_failed_at ON failed_logins (failed_at);
