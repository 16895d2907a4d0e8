CREATE TABLE tenants_with_more_states (
    uuid       TEXT NOT NULL PRIMARY KEY,  -- stays reserved when the tenant is deleted
    name       TEXT NOT NULL,
    user_id    TEXT REFERENCES users (uuid),  -- the owner; null once a deleted tenant's owner is deleted too
    state      TEXT NOT NULL
               CHECK (state IN ('creating', 'active', 'quarantined', 'restoring', 'deleting', 'deleted')),
    created_at TEXT NOT NULL,
    began_at   INTEGER,  -- when the last deletion or restore was begun, µs; names the file in the trash
    CHECK (user_id IS NOT NULL OR state = 'deleted')
);
INSERT INTO tenants_with_more_states (uuid, name, user_id, state, created_at)
SELECT uuid, name, user_id, state, created_at FROM tenants;
DROP TABLE tenants;
ALTER TABLE tenants_with_more_states RENAME TO tenants;
CREATE INDEX tenants_user_id ON tenants (user_id);

CREATE TABLE upkeep (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    last_run INTEGER NOT NULL  -- when a server last compacted the books by itself, µs
);
INSERT INTO upkeep (only_row, last_run) VALUES (1, 0);
