PRAGMA application_id = 0;
PRAGMA user_version = 3;
BEGIN TRANSACTION;
CREATE TABLE failed_logins (
    account   TEXT NOT NULL,  -- the folded e-mail that was tried
    address   TEXT NOT NULL,  -- where the attempt came from
    failed_at INTEGER NOT NULL
);
INSERT INTO "failed_logins" VALUES('ada@example.org','127.0.0.1',1796090038263408);
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
    seen_at INTEGER NOT NULL,  -- µs
    PRIMARY KEY (account, address)
);
INSERT INTO "known_addresses" VALUES('ada@example.org','127.0.0.1',1796090038163505);
CREATE TABLE members (
    tenant_id TEXT NOT NULL REFERENCES tenants (uuid),
    user_id   TEXT NOT NULL REFERENCES users (uuid) ON DELETE CASCADE,
    role      TEXT NOT NULL CHECK (role IN ('editor', 'viewer')),
    added_at  TEXT NOT NULL,
    PRIMARY KEY (tenant_id, user_id)
);
CREATE TABLE "tenants" (
    uuid       TEXT NOT NULL PRIMARY KEY,  -- stays reserved when the tenant is deleted
    name       TEXT NOT NULL,
    user_id    TEXT REFERENCES users (uuid),  -- the owner; null once a deleted tenant's owner is deleted too
    state      TEXT NOT NULL
               CHECK (state IN ('creating', 'active', 'quarantined', 'restoring', 'deleting', 'deleted')),
    created_at TEXT NOT NULL,
    began_at   INTEGER, quota_mib INTEGER,  -- when the last deletion or restore was begun, µs; names the file in the trash
    CHECK (user_id IS NOT NULL OR state = 'deleted')
);
INSERT INTO "tenants" VALUES('bbbbbbbb-0000-4000-8000-000000000001','Home','aaaaaaaa-0000-4000-8000-000000000001','active','2026-12-01T01:53:58.329Z',NULL,NULL);
CREATE TABLE tokens (
    id           TEXT NOT NULL PRIMARY KEY,
    user_id      TEXT NOT NULL REFERENCES users (uuid) ON DELETE CASCADE,
    hashed_token TEXT NOT NULL UNIQUE,  -- SHA-256 of the token, in hex; the token itself is nowhere
    device_name  TEXT NOT NULL,
    created_at   TEXT NOT NULL,
    expires_at   TEXT NOT NULL
, last_used_at TEXT, tenant_id TEXT, read_only INTEGER NOT NULL DEFAULT 0);
INSERT INTO "tokens" VALUES('697131a4-860d-4df4-853d-4538eaaa08fb','aaaaaaaa-0000-4000-8000-000000000001','8ff59444f6466ce50a4d02a95a9df34eab7d5b4c1009fc2b1b9bcbc1e75f792a','phone','2026-12-01T01:53:58.163Z','2027-03-01T01:53:58.163Z','2026-12-01T01:53:58.329Z',NULL,0);
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
    created_at      TEXT NOT NULL
, is_admin INTEGER NOT NULL DEFAULT 0);
INSERT INTO "users" VALUES('aaaaaaaa-0000-4000-8000-000000000001','Ada','ada@example.org','ada@example.org','$argon2id$v=19$m=19456,t=2,p=1$qxyK6RZaAVjX9Ci/hZh0Dg$ePWttoGI2roqjuoHz2Q1QUv2zxA9ybzLc1xJqT/M4QU','2026-12-01T01:53:58.022Z',1);
CREATE INDEX tokens_user_id ON tokens (user_id);
CREATE INDEX failed_logins_account ON failed_logins (account, address, failed_at);
CREATE INDEX failed_logins_failed_at ON failed_logins (failed_at);
CREATE INDEX tenants_user_id ON tenants (user_id);
CREATE INDEX members_user_id ON members (user_id);
CREATE INDEX invitations_tenant_id ON invitations (tenant_id);
CREATE INDEX invitations_invited_by ON invitations (invited_by);
CREATE INDEX invitations_used_by ON invitations (used_by);
CREATE INDEX known_addresses_seen_at ON known_addresses (seen_at);
CREATE INDEX failed_logins_address ON failed_logins (address, failed_at);
COMMIT;
