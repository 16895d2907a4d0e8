ALTER TABLE users ADD COLUMN is_admin INTEGER NOT NULL DEFAULT 0;
UPDATE users SET is_admin = 1 WHERE uuid = (SELECT uuid FROM users ORDER BY created_at, uuid LIMIT 1);

-- Who may open a tenant beside its owner, who stands in tenants.user_id and nowhere else.
CREATE TABLE members (
    tenant_id TEXT NOT NULL REFERENCES tenants (uuid),
    user_id   TEXT NOT NULL REFERENCES users (uuid) ON DELETE CASCADE,
    role      TEXT NOT NULL CHECK (role IN ('editor', 'viewer')),
    added_at  TEXT NOT NULL,
    PRIMARY KEY (tenant_id, user_id)
);
CREATE INDEX members_user_id ON members (user_id);

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
CREATE INDEX invitations_tenant_id ON invitations (tenant_id);
CREATE INDEX invitations_invited_by ON invitations (invited_by);
CREATE INDEX invitations_used_by ON invitations (used_by);

ALTER TABLE tokens ADD COLUMN last_used_at TEXT;  -- null: never
ALTER TABLE tokens ADD COLUMN tenant_id TEXT;     -- the only tenant it opens; null: all of its user's
ALTER TABLE tokens ADD COLUMN read_only INTEGER NOT NULL DEFAULT 0;

ALTER TABLE tenants ADD COLUMN quota_mib INTEGER;  -- null: as the server's setting says

-- Where somebody has logged in to an account: guessing from elsewhere does not keep them out.
CREATE TABLE known_addresses (
    account TEXT NOT NULL,
    address TEXT NOT NULL,
    seen_at INTEGER NOT NULL,  -- µs
    PRIMARY KEY (account, address)
);
CREATE INDEX known_addresses_seen_at ON known_addresses (seen_at);
CREATE INDEX failed_logins_address ON failed_logins (address, failed_at);
