-- Whatever is read of an entity is checked, pages and first loads as well, by an Adler-32: SHA-256 would take as long
-- as all the rest. A row that was damaged before gets -1, which is no checksum: it stays noticed.
-- Texts are passed as bytes, for what is damaged may be no UTF-8. The table is copied twice: to rename one, SQLite reads
-- all views, and one that somebody made may be broken.
CREATE TABLE sync_entities_before AS
SELECT *, checksum = checksum_of_bytes(stamp, CAST(entity AS BLOB), CAST(change_id AS BLOB), CAST(device_id AS BLOB))
          AND is_deleted = (substr(entity, -5) = 'null}') AS is_intact
  FROM sync_entities;
DROP TABLE sync_entities;
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
INSERT INTO sync_entities (stamp, id_hash, is_deleted, checksum, crc, entity, change_id, device_id)
SELECT stamp, id_hash, is_deleted,
       iif(is_intact, entity_checksum(stamp, CAST(entity AS BLOB)), -1),
       iif(is_intact, row_crc(CAST(entity AS BLOB), change_id, device_id), -1),
       entity, change_id, device_id
  FROM sync_entities_before ORDER BY stamp;
DROP TABLE sync_entities_before;
CREATE UNIQUE INDEX sync_entities_stamp ON sync_entities (stamp);
CREATE INDEX sync_entities_id ON sync_entities (id_hash);

-- By them a first load notices that entities are missing, or there twice.
ALTER TABLE sync_book ADD COLUMN sums TEXT NOT NULL DEFAULT '{}';  -- a JSON object, entity_type -> sum of Adler-32
ALTER TABLE sync_book ADD COLUMN conflicts INTEGER NOT NULL DEFAULT 0;  -- how many there are, for the same
ALTER TABLE sync_book ADD COLUMN writes INTEGER NOT NULL DEFAULT 0;  -- how often this row was written (marks.py)
UPDATE sync_book
   SET checksum = iif(checksum = checksum(epoch, last_stamp, horizon), x'', x'00'),
       conflicts = (SELECT count(*) FROM sync_conflicts),
       sums = (SELECT json_group_object(entity_type, total)
                 FROM (SELECT entity_type, sum(checksum - stamp) AS total
                         FROM sync_entities WHERE NOT is_deleted AND checksum > 0 GROUP BY 1));
UPDATE sync_book SET checksum = checksum(epoch, last_stamp, horizon, writes, conflicts, digests, sums) WHERE checksum = x'';

-- A conflict's name belongs to what its checksum is of: who shows it a conflict that is not there is told nothing.
UPDATE sync_conflicts
   SET checksum = checksum(conflict_id, reason, kept_at, entity_type, id, created_at, updated_at, data, change_id,
                           device_id)
 WHERE checksum = checksum(reason, kept_at, entity_type, id, created_at, updated_at, data, change_id, device_id);

ALTER TABLE sync_devices ADD COLUMN checksum BLOB NOT NULL DEFAULT x'';  -- of all that stands in the row
UPDATE sync_devices SET checksum = checksum(token_id, last_contact, device_id, cursor, clock_skew);
