-- A bit that flips in the last stamp or the horizon would let a cursor pass that must not.
ALTER TABLE sync_book ADD COLUMN checksum BLOB NOT NULL DEFAULT x'';  -- of epoch, last_stamp, horizon
UPDATE sync_book SET checksum = row_checksum(epoch, last_stamp, horizon);
