-- Beside these tables each entity type has a view with its fields as columns (book.py makes them from the catalogue).

CREATE TABLE sync_entities (
    entity_type TEXT NOT NULL,
    id          TEXT NOT NULL,
    stamp       INTEGER NOT NULL,  -- when the server stored this version, in µs; decides delivery
    created_at  TEXT NOT NULL,
    updated_at  TEXT NOT NULL,     -- when the device edited it; decides Last Write Wins
    data        TEXT,              -- the JSON object as it was sent; null: a tombstone
    change_id   TEXT NOT NULL,
    device_id   TEXT
);
CREATE UNIQUE INDEX sync_entities_name ON sync_entities (entity_type, id);
CREATE UNIQUE INDEX sync_entities_stamp ON sync_entities (stamp);

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
    conflict_id INTEGER PRIMARY KEY,
    entity_type TEXT NOT NULL,
    id          TEXT NOT NULL,
    kept_at     INTEGER NOT NULL,  -- µs
    reason      TEXT NOT NULL CHECK (reason IN ('older', 'overwritten')),
    created_at  TEXT NOT NULL,
    updated_at  TEXT NOT NULL,
    data        TEXT,
    change_id   TEXT NOT NULL,
    device_id   TEXT
);
CREATE UNIQUE INDEX sync_conflicts_name ON sync_conflicts (change_id, entity_type, id);

CREATE TABLE sync_digests (
    entity_type TEXT NOT NULL PRIMARY KEY,
    digest      TEXT NOT NULL  -- 16 hex digits
);

CREATE TABLE sync_book (
    only_row   INTEGER PRIMARY KEY CHECK (only_row = 1),
    epoch      TEXT NOT NULL,               -- the token of this life of the file
    last_stamp INTEGER NOT NULL DEFAULT 0,  -- µs
    horizon    INTEGER NOT NULL DEFAULT 0,  -- the largest stamp of a purged tombstone, µs
    views      TEXT NOT NULL DEFAULT ''     -- SHA-256 of the statements that made the views
);
INSERT INTO sync_book (only_row, epoch) VALUES (1, lower(hex(randomblob(4))));
