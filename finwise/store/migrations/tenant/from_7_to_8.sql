-- Each entity's text begins with its type. By a column that is read out of it, SQL need not know how.
ALTER TABLE sync_entities ADD COLUMN entity_type TEXT AS (substr(entity, 17, instr(entity, '","id":') - 17));
