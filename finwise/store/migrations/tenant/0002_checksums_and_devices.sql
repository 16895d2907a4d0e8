ALTER TABLE sync_entities ADD COLUMN checksum BLOB NOT NULL DEFAULT x'';  -- of all that stands in the row (checksum.py)
UPDATE sync_entities
   SET checksum = row_checksum(stamp, entity_type, id, created_at, updated_at, data, change_id, device_id);

-- A conflict's name is random: neither one that was decided nor one of before a restore shares it with a later one.
CREATE TABLE sync_kept_conflicts (
    conflict_id TEXT NOT NULL PRIMARY KEY DEFAULT (lower(hex(randomblob(16)))),
    entity_type TEXT NOT NULL,
    id          TEXT NOT NULL,
    kept_at     INTEGER NOT NULL,  -- µs
    reason      TEXT NOT NULL CHECK (reason IN ('older', 'overwritten')),
    created_at  TEXT NOT NULL,
    updated_at  TEXT NOT NULL,
    data        TEXT,
    change_id   TEXT NOT NULL,
    device_id   TEXT,
    checksum    BLOB NOT NULL
);
INSERT INTO sync_kept_conflicts
       (entity_type, id, kept_at, reason, created_at, updated_at, data, change_id, device_id, checksum)
SELECT entity_type, id, kept_at, reason, created_at, updated_at, data, change_id, device_id,
       row_checksum(reason, kept_at, entity_type, id, created_at, updated_at, data, change_id, device_id)
  FROM sync_conflicts ORDER BY conflict_id;
DROP TABLE sync_conflicts;
ALTER TABLE sync_kept_conflicts RENAME TO sync_conflicts;
CREATE UNIQUE INDEX sync_conflicts_name ON sync_conflicts (change_id, entity_type, id);

-- What the server knows of the devices, each named by the token it shows.
CREATE TABLE sync_devices (
    token_id     TEXT NOT NULL PRIMARY KEY,
    device_id    TEXT,              -- what it calls itself, if it ever did
    cursor       TEXT,              -- the last `since` it sent: it holds what was stored up to there
    last_contact INTEGER NOT NULL,  -- µs
    clock_skew   INTEGER            -- its clock minus the server's when it last pushed, ms
);
