PRAGMA application_id = 0;
PRAGMA user_version = 5;
BEGIN TRANSACTION;
CREATE TABLE failed_logins (
    account   TEXT NOT NULL,  -- SHA-256 of the folded e-mail that was tried, the first 32 digits
    address   TEXT NOT NULL,  -- where the attempt came from: an address, or the network of an IPv6 address
    site      TEXT NOT NULL,  -- the wider network of an IPv6 address; else the address
    failed_at INTEGER NOT NULL
);
CREATE TABLE invitations (
    id          TEXT NOT NULL PRIMARY KEY,
    hashed_code TEXT NOT NULL UNIQUE,  -- SHA-256 of the code, in hex; the code itself is nowhere
    tenant_id   TEXT REFERENCES tenants (uuid),  -- null: to sign up, and no more
    role        TEXT CHECK (role IN ('editor', 'viewer')),
    invited_by  TEXT REFERENCES users (uuid) ON DELETE CASCADE,  -- null: the operator
    created_at  TEXT NOT NULL,
    expires_at  TEXT NOT NULL,
    used_by     TEXT REFERENCES users (uuid) ON DELETE CASCADE,
    CHECK ((tenant_id IS NULL) = (role IS NULL))
);
CREATE TABLE known_addresses (
    account TEXT NOT NULL,
    address TEXT NOT NULL,
    seen_at INTEGER NOT NULL,
    PRIMARY KEY (account, address)
);
INSERT INTO "known_addresses" VALUES('ada@example.org','127.0.0.1',1796101544583827);
CREATE TABLE members (
    tenant_id TEXT NOT NULL REFERENCES tenants (uuid),
    user_id   TEXT NOT NULL REFERENCES users (uuid) ON DELETE CASCADE,
    role      TEXT NOT NULL CHECK (role IN ('editor', 'viewer')),
    added_at  TEXT NOT NULL,
    PRIMARY KEY (tenant_id, user_id)
);
CREATE TABLE tenants (
    uuid       TEXT NOT NULL PRIMARY KEY,  -- stays reserved when the tenant is deleted
    name       TEXT NOT NULL,
    user_id    TEXT REFERENCES users (uuid),  -- the owner; null once a deleted tenant's owner is deleted too
    state      TEXT NOT NULL
               CHECK (state IN ('creating', 'active', 'quarantined', 'restoring', 'deleting', 'deleted')),
    created_at TEXT NOT NULL,
    began_at   INTEGER,  -- when the last deletion or restore was begun; names the file in the trash
    quota_mib  INTEGER,  -- null: as the server's setting says
    CHECK (user_id IS NOT NULL OR state = 'deleted')
);
INSERT INTO "tenants" VALUES('bbbbbbbb-0000-4000-8000-000000000001','Home','aaaaaaaa-0000-4000-8000-000000000001','active','2026-12-01T05:05:45.333Z',NULL,NULL);
CREATE TABLE tokens (
    id           TEXT NOT NULL PRIMARY KEY,
    user_id      TEXT NOT NULL REFERENCES users (uuid) ON DELETE CASCADE,
    hashed_token TEXT NOT NULL UNIQUE,  -- SHA-256 of the token, in hex; the token itself is nowhere
    device_name  TEXT NOT NULL,
    created_at   TEXT NOT NULL,
    expires_at   TEXT NOT NULL,
    last_used_at TEXT,                  -- null: never
    tenant_id    TEXT,                  -- the only tenant it opens; null: all of its user's
    read_only    INTEGER NOT NULL DEFAULT 0
);
INSERT INTO "tokens" VALUES('8271c614-74fa-4bb2-b12b-f38366ea7bb9','aaaaaaaa-0000-4000-8000-000000000001','08411460a3916eedc5568d1291622e8a0c3a2db88c5fc55a2645652a8c163d1d','phone','2026-12-01T05:05:44.583Z','2027-03-01T05:05:44.583Z','2026-12-01T05:05:45.333Z',NULL,0);
CREATE TABLE upkeep (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    last_run INTEGER NOT NULL  -- when a server last compacted the books by itself, µs
);
INSERT INTO "upkeep" VALUES(1,0);
CREATE TABLE users (
    uuid            TEXT NOT NULL PRIMARY KEY,
    name            TEXT NOT NULL,
    email           TEXT NOT NULL UNIQUE,
    email_key       TEXT NOT NULL UNIQUE,  -- the e-mail folded, so that two spellings of one are the same
    hashed_password TEXT,                  -- argon2id; null: no login by password
    created_at      TEXT NOT NULL,
    is_admin        INTEGER NOT NULL DEFAULT 0
);
INSERT INTO "users" VALUES('aaaaaaaa-0000-4000-8000-000000000001','Ada','ada@example.org','ada@example.org','$argon2id$v=19$m=19456,t=2,p=1$DTjdiy9eawkwIMmP706URg$+fTX4BASf3LD+iaw1xe25jmhsEVN3OBI6sHqrs91+GU','2026-12-01T05:05:44.093Z',1);
CREATE INDEX tenants_user_id ON tenants (user_id);
CREATE INDEX members_user_id ON members (user_id);
CREATE INDEX invitations_tenant_id ON invitations (tenant_id);
CREATE INDEX invitations_invited_by ON invitations (invited_by);
CREATE INDEX invitations_used_by ON invitations (used_by);
CREATE INDEX tokens_user_id ON tokens (user_id);
CREATE INDEX failed_logins_here ON failed_logins (account, address, failed_at);
CREATE INDEX failed_logins_site ON failed_logins (account, site, failed_at);
CREATE INDEX failed_logins_account ON failed_logins (account, failed_at);
CREATE INDEX failed_logins_address ON failed_logins (address, failed_at);
CREATE INDEX failed_logins_failed_at ON failed_logins (failed_at);
CREATE INDEX known_addresses_seen_at ON known_addresses (seen_at);
COMMIT;
