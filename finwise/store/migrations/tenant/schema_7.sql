-- What the files look like that from_7_to_8.sql brings up to date. A restore compares such a file with it.

CREATE TABLE sync_entities (
    stamp       INTEGER NOT NULL,
    id_hash     INTEGER NOT NULL,
    is_deleted  INTEGER NOT NULL,
    checksum    INTEGER NOT NULL,
    crc         INTEGER NOT NULL,
    entity      TEXT NOT NULL,
    change_id   TEXT NOT NULL,
    device_id   TEXT
);
CREATE UNIQUE INDEX sync_entities_stamp ON sync_entities (stamp);
CREATE INDEX sync_entities_id ON sync_entities (id_hash);

CREATE TABLE sync_change_ids (
    change_id   TEXT NOT NULL,
    entity_type TEXT NOT NULL,
    id          TEXT NOT NULL,
    since       INTEGER NOT NULL
);
CREATE UNIQUE INDEX sync_change_ids_name ON sync_change_ids (change_id, entity_type, id);

CREATE TABLE sync_conflicts (
    conflict_id TEXT NOT NULL PRIMARY KEY,
    entity_type TEXT NOT NULL,
    id          TEXT NOT NULL,
    kept_at     INTEGER NOT NULL,
    reason      TEXT NOT NULL CHECK (reason IN ('older', 'overwritten')),
    created_at  TEXT NOT NULL,
    updated_at  TEXT NOT NULL,
    data        TEXT,
    change_id   TEXT NOT NULL,
    device_id   TEXT,
    checksum    BLOB NOT NULL
);
CREATE UNIQUE INDEX sync_conflicts_name ON sync_conflicts (change_id, entity_type, id);

CREATE TABLE sync_devices (
    token_id     TEXT NOT NULL PRIMARY KEY,
    device_id    TEXT,
    cursor       TEXT,
    last_contact INTEGER NOT NULL,
    clock_skew   INTEGER,
    checksum     BLOB NOT NULL DEFAULT x''
);

CREATE TABLE sync_book (
    only_row   INTEGER PRIMARY KEY CHECK (only_row = 1),
    epoch      TEXT NOT NULL,
    last_stamp INTEGER NOT NULL DEFAULT 0,
    horizon    INTEGER NOT NULL DEFAULT 0,
    views      TEXT NOT NULL DEFAULT '',
    checksum   BLOB NOT NULL DEFAULT x'',
    digests    TEXT NOT NULL DEFAULT '{}',
    sums       TEXT NOT NULL DEFAULT '{}',
    conflicts  INTEGER NOT NULL DEFAULT 0,
    writes     INTEGER NOT NULL DEFAULT 0
);
