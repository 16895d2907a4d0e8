PRAGMA application_id = 1181306455;
PRAGMA user_version = 6;
BEGIN TRANSACTION;
CREATE TABLE sync_book (
    only_row   INTEGER PRIMARY KEY CHECK (only_row = 1),
    epoch      TEXT NOT NULL,               -- the token of this life of the file
    last_stamp INTEGER NOT NULL DEFAULT 0,  -- µs
    horizon    INTEGER NOT NULL DEFAULT 0,  -- the largest stamp of a purged tombstone, µs
    views      TEXT NOT NULL DEFAULT ''     -- SHA-256 of the statements that made the views
, checksum BLOB NOT NULL DEFAULT x'', digests TEXT NOT NULL DEFAULT '{}');
INSERT INTO "sync_book" VALUES(1,'a58abe79',1796090038546877,0,'eb4b77f029fdd33b80d8e7fd6c0a87cf152889b023636e542b3c353536ce1dfd',X'F94850EDE92DCC6187505F8B7572BEB2','{"tags":"64b949f63cf0d4ed"}');
CREATE TABLE sync_change_ids (
    change_id   TEXT NOT NULL,
    entity_type TEXT NOT NULL,
    id          TEXT NOT NULL,
    since       INTEGER NOT NULL  -- µs
);
INSERT INTO "sync_change_ids" VALUES('dddddddd-0000-4000-8000-000000000001','tags','living',1796090038503284);
INSERT INTO "sync_change_ids" VALUES('dddddddd-0000-4000-8000-000000000003','tags','living',1796090038518865);
INSERT INTO "sync_change_ids" VALUES('dddddddd-0000-4000-8000-000000000004','tags','gone',1796090038546877);
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
INSERT INTO "sync_conflicts" VALUES('31fc9cb0a45ebead7bf1f94bc77b86d5','tags','living',1796090038518865,'older','2026-01-01T00:00:00.000Z','2026-01-01T12:00:00.000Z','{"name":"late"}','dddddddd-0000-4000-8000-000000000003','eeeeeeee-0000-4000-8000-000000000001',X'B9D1D9A271BD4926142B2F3F3EE175BB');
INSERT INTO "sync_conflicts" VALUES('76bdbd9292c3abe61be7b393e2eeed8f','tags','gone',1796090038546877,'overwritten','2026-01-01T00:00:00.000Z','2026-01-03T00:00:00.000Z','{"name":"of the phone"}','dddddddd-0000-4000-8000-000000000004','cccccccc-0000-4000-8000-000000000001',X'633C643B1EB33D86D334F035659D660A');
CREATE TABLE sync_devices (
    token_id     TEXT NOT NULL PRIMARY KEY,
    device_id    TEXT,              -- what it calls itself, if it ever did
    cursor       TEXT,              -- the last `since` it sent: it holds what was stored up to there
    last_contact INTEGER NOT NULL,  -- µs
    clock_skew   INTEGER            -- its clock minus the server's when it last pushed, ms
);
INSERT INTO "sync_devices" VALUES('697131a4-860d-4df4-853d-4538eaaa08fb','eeeeeeee-0000-4000-8000-000000000001',NULL,1796090038546877,NULL);
CREATE TABLE sync_entities (
    stamp      INTEGER NOT NULL,  -- when the server stored this version, in µs; decides delivery
    id_hash    INTEGER NOT NULL,  -- of its id (id_hash.py); others may have the same
    is_deleted INTEGER NOT NULL,  -- 1: a tombstone
    entity     TEXT NOT NULL,     -- the JSON object that devices get; its `data` is as it was sent
    change_id  TEXT NOT NULL,
    device_id  TEXT,
    checksum   BLOB NOT NULL      -- of stamp, entity, change_id and device_id
);
INSERT INTO "sync_entities" VALUES(1796090038503284,2066531971,0,'{"entity_type":"tags","id":"living","created_at":"2026-01-01T00:00:00.000Z","updated_at":"2026-01-02T00:00:00.000Z","deleted_at":null,"data":{"name":"second ä"}}','dddddddd-0000-4000-8000-000000000002','cccccccc-0000-4000-8000-000000000001',X'FD8B6A773E6EB897C68D50EF7D182B86');
INSERT INTO "sync_entities" VALUES(1796090038546877,43536197,1,'{"entity_type":"tags","id":"gone","created_at":"2026-01-01T00:00:00.000Z","updated_at":"2026-01-04T00:00:00.000Z","deleted_at":"2026-01-04T00:00:00.000Z","data":null}','dddddddd-0000-4000-8000-000000000005','eeeeeeee-0000-4000-8000-000000000001',X'5830514BB8A21C397C2DC59D907B4574');
CREATE UNIQUE INDEX sync_change_ids_name ON sync_change_ids (change_id, entity_type, id);
CREATE UNIQUE INDEX sync_conflicts_name ON sync_conflicts (change_id, entity_type, id);
CREATE UNIQUE INDEX sync_entities_stamp ON sync_entities (stamp);
CREATE INDEX sync_entities_id ON sync_entities (id_hash);
COMMIT;
