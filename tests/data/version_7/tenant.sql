PRAGMA application_id = 1181306455;
PRAGMA user_version = 7;
BEGIN TRANSACTION;
CREATE TABLE sync_book (
    only_row   INTEGER PRIMARY KEY CHECK (only_row = 1),
    epoch      TEXT NOT NULL,               -- the token of this life of the file
    last_stamp INTEGER NOT NULL DEFAULT 0,  -- µs
    horizon    INTEGER NOT NULL DEFAULT 0,  -- the largest stamp of a purged tombstone, µs
    views      TEXT NOT NULL DEFAULT ''     -- SHA-256 of the statements that made the views
, checksum BLOB NOT NULL DEFAULT x'', digests TEXT NOT NULL DEFAULT '{}', sums TEXT NOT NULL DEFAULT '{}', conflicts INTEGER NOT NULL DEFAULT 0, writes INTEGER NOT NULL DEFAULT 0);
INSERT INTO "sync_book" VALUES(1,'80ecddc2',1796096410330980,0,'b5794f55d429eccee555ef52b3885b98103d845bcecd71c3b5a18943af458e50',X'A5C9705511F85BF23717B019C6B54DCE','{"tags":"64b949f63cf0d4ed"}','{"tags":1083060302}',2,6);
CREATE TABLE sync_change_ids (
    change_id   TEXT NOT NULL,
    entity_type TEXT NOT NULL,
    id          TEXT NOT NULL,
    since       INTEGER NOT NULL  -- µs
);
INSERT INTO "sync_change_ids" VALUES('dddddddd-0000-4000-8000-000000000001','tags','living',1796096410324048);
INSERT INTO "sync_change_ids" VALUES('dddddddd-0000-4000-8000-000000000003','tags','living',1796096410326592);
INSERT INTO "sync_change_ids" VALUES('dddddddd-0000-4000-8000-000000000004','tags','gone',1796096410330980);
CREATE TABLE "sync_conflicts" (
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
INSERT INTO "sync_conflicts" VALUES('3b4fd0c6191f1d7da9df87f5768c14cf','tags','living',1796096410326592,'older','2026-01-01T00:00:00.000Z','2026-01-01T12:00:00.000Z','{"name":"late"}','dddddddd-0000-4000-8000-000000000003','eeeeeeee-0000-4000-8000-000000000001',X'D1C4F7062BECF744EA59C7ADEC8C27C2');
INSERT INTO "sync_conflicts" VALUES('c2cc7fb318e820d5ccbd430e34751be6','tags','gone',1796096410330980,'overwritten','2026-01-01T00:00:00.000Z','2026-01-03T00:00:00.000Z','{"name":"of the phone"}','dddddddd-0000-4000-8000-000000000004','cccccccc-0000-4000-8000-000000000001',X'197E2F6C9ECF3E028D072326BA62BF84');
CREATE TABLE sync_devices (
    token_id     TEXT NOT NULL PRIMARY KEY,
    device_id    TEXT,              -- what it calls itself, if it ever did
    cursor       TEXT,              -- the last `since` it sent: it holds what was stored up to there
    last_contact INTEGER NOT NULL,  -- µs
    clock_skew   INTEGER            -- its clock minus the server's when it last pushed, ms
, checksum BLOB NOT NULL DEFAULT x'');
INSERT INTO "sync_devices" VALUES('9254d939-8365-4ca3-a993-a534840240dc','eeeeeeee-0000-4000-8000-000000000001',NULL,1796096410330980,NULL,X'A5CB4C0E36BEE7B00CAAB146B6B5DAEF');
CREATE TABLE sync_entities (
    stamp      INTEGER NOT NULL,  -- when the server stored this version, in µs; decides delivery
    id_hash    INTEGER NOT NULL,  -- of its id (id_hash.py); others may have the same
    is_deleted INTEGER NOT NULL,  -- 1: a tombstone
    checksum   INTEGER NOT NULL,  -- the stamp and the Adler-32 of entity, added; in front of what is long
    crc        INTEGER NOT NULL,  -- the CRC-32 of entity, change_id and device_id
    entity     TEXT NOT NULL,     -- the JSON object that devices get; its `data` is as it was sent
    change_id  TEXT NOT NULL,
    device_id  TEXT
);
INSERT INTO "sync_entities" VALUES(1796096410324048,2066531971,0,1796097493384350,1673914134,'{"entity_type":"tags","id":"living","created_at":"2026-01-01T00:00:00.000Z","updated_at":"2026-01-02T00:00:00.000Z","deleted_at":null,"data":{"name":"second ä"}}','dddddddd-0000-4000-8000-000000000002','cccccccc-0000-4000-8000-000000000001');
INSERT INTO "sync_entities" VALUES(1796096410330980,43536197,1,1796098319996067,3872040683,'{"entity_type":"tags","id":"gone","created_at":"2026-01-01T00:00:00.000Z","updated_at":"2026-01-04T00:00:00.000Z","deleted_at":"2026-01-04T00:00:00.000Z","data":null}','dddddddd-0000-4000-8000-000000000005','eeeeeeee-0000-4000-8000-000000000001');
CREATE UNIQUE INDEX sync_change_ids_name ON sync_change_ids (change_id, entity_type, id);
CREATE UNIQUE INDEX sync_conflicts_name ON sync_conflicts (change_id, entity_type, id);
CREATE UNIQUE INDEX sync_entities_stamp ON sync_entities (stamp);
CREATE INDEX sync_entities_id ON sync_entities (id_hash);
COMMIT;
