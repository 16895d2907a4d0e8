-- A tenant's file. Beside these tables each entity type has a view with its fields as columns (views.py).

CREATE TABLE sync_entities (
    stamp       INTEGER NOT NULL,  -- when the server stored this version, in µs; decides delivery
    id_hash     INTEGER NOT NULL,  -- of its id (id_hash.py); others may have the same
    is_deleted  INTEGER NOT NULL,  -- 1: a tombstone
    checksum    INTEGER NOT NULL,  -- the stamp and the Adler-32 of entity, added; in front of what is long
    crc         INTEGER NOT NULL,  -- the CRC-32 of entity, change_id and device_id
    entity      TEXT NOT NULL,     -- the JSON object that devices get; its `data` is as it was sent
    change_id   TEXT NOT NULL,
    device_id   TEXT,
    entity_type TEXT AS (substr(entity, 17, instr(entity, '","id":') - 17))  -- each entity begins with it
);
CREATE UNIQUE INDEX sync_entities_stamp ON sync_entities (stamp);
CREATE INDEX sync_entities_id ON sync_entities (id_hash);

-- change_ids of versions that were replaced or lost: a push repeated after its answer was lost is recognised by them.
CREATE TABLE sync_change_ids (
    change_id   TEXT NOT NULL,
    entity_type TEXT NOT NULL,
    id          TEXT NOT NULL,
    since       INTEGER NOT NULL  -- µs
);
CREATE UNIQUE INDEX sync_change_ids_name ON sync_change_ids (change_id, entity_type, id);

-- Versions that lost without their author's device having known the winner, or the other way round.
CREATE TABLE sync_conflicts (
    conflict_id TEXT NOT NULL PRIMARY KEY,  -- random: no two conflicts share one, not even across a restore
    entity_type TEXT NOT NULL,
    id          TEXT NOT NULL,
    kept_at     INTEGER NOT NULL,  -- µs
    reason      TEXT NOT NULL CHECK (reason IN ('older', 'overwritten')),
    created_at  TEXT NOT NULL,
    updated_at  TEXT NOT NULL,
    data        TEXT,              -- the JSON object as it was sent; null: a deletion
    change_id   TEXT NOT NULL,
    device_id   TEXT,
    checksum    BLOB NOT NULL      -- of all that stands in the row (checksum.py)
);
CREATE UNIQUE INDEX sync_conflicts_name ON sync_conflicts (change_id, entity_type, id);

-- What the server knows of the devices, each named by the token it shows.
CREATE TABLE sync_devices (
    token_id     TEXT NOT NULL PRIMARY KEY,
    device_id    TEXT,              -- what it calls itself, if it ever did
    cursor       TEXT,              -- the last `since` it sent: it holds what was stored up to there
    last_contact INTEGER NOT NULL,  -- µs
    clock_skew   INTEGER,           -- its clock minus the server's when it last pushed, ms
    checksum     BLOB NOT NULL DEFAULT x''  -- of all that stands in the row
);

-- One row, which each push writes.
CREATE TABLE sync_book (
    only_row   INTEGER PRIMARY KEY CHECK (only_row = 1),
    epoch      TEXT NOT NULL,                -- the token of this life of the file
    last_stamp INTEGER NOT NULL DEFAULT 0,   -- µs
    horizon    INTEGER NOT NULL DEFAULT 0,   -- the largest stamp of a purged tombstone, µs
    views      TEXT NOT NULL DEFAULT '',     -- SHA-256 of the statements that made the views
    checksum   BLOB NOT NULL DEFAULT x'',    -- of epoch, last_stamp, horizon, writes, conflicts, digests, sums
    digests    TEXT NOT NULL DEFAULT '{}',   -- a JSON object, entity_type -> 16 hex digits
    sums       TEXT NOT NULL DEFAULT '{}',   -- a JSON object, entity_type -> sum of Adler-32: a first load notices by
                                             -- them that entities are missing, or there twice
    conflicts  INTEGER NOT NULL DEFAULT 0,   -- how many there are, for the same
    writes     INTEGER NOT NULL DEFAULT 0    -- how often this row was written (marks.py)
);
INSERT INTO sync_book (only_row, epoch) VALUES (1, lower(hex(randomblob(4))));
UPDATE sync_book SET checksum = checksum(epoch, last_stamp, horizon, writes, conflicts, digests, sums);
