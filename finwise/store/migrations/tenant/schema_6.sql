-- What the files look like that from_6_to_8.sql brings up to date. A restore compares such a file with it.

CREATE TABLE sync_entities (
    stamp      INTEGER NOT NULL,
    id_hash    INTEGER NOT NULL,
    is_deleted INTEGER NOT NULL,
    entity     TEXT NOT NULL,
    change_id  TEXT NOT NULL,
    device_id  TEXT,
    checksum   BLOB NOT NULL  -- of stamp, entity, change_id and device_id
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
    reason      TEXT NOT NULL,
    created_at  TEXT NOT NULL,
    updated_at  TEXT NOT NULL,
    data        TEXT,
    change_id   TEXT NOT NULL,
    device_id   TEXT,
    checksum    BLOB NOT NULL  -- of all but conflict_id
);
CREATE UNIQUE INDEX sync_conflicts_name ON sync_conflicts (change_id, entity_type, id);

CREATE TABLE sync_devices (
    token_id     TEXT NOT NULL PRIMARY KEY,
    device_id    TEXT,
    cursor       TEXT,
    last_contact INTEGER NOT NULL,
    clock_skew   INTEGER
);

CREATE TABLE sync_book (
    only_row   INTEGER PRIMARY KEY,
    epoch      TEXT NOT NULL,
    last_stamp INTEGER NOT NULL DEFAULT 0,
    horizon    INTEGER NOT NULL DEFAULT 0,
    views      TEXT NOT NULL DEFAULT '',
    checksum   BLOB NOT NULL DEFAULT x'',  -- of epoch, last_stamp and horizon
    digests    TEXT NOT NULL DEFAULT '{}'
);
