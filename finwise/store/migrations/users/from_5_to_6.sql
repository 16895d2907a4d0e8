ALTER TABLE users ADD updated_at TEXT;
UPDATE users SET updated_at = created_at;
ALTER TABLE tenants ADD updated_at TEXT;
UPDATE tenants SET updated_at = created_at;
