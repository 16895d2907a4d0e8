-- The demo user, who is open to everybody, was an administrator where it came first. The first real user takes its place.
UPDATE users SET is_admin = 0 WHERE email_key = 'demo@finwise.example';
UPDATE users SET is_admin = 1
  WHERE uuid = (SELECT uuid FROM users WHERE email_key <> 'demo@finwise.example' ORDER BY created_at, uuid LIMIT 1)
    AND NOT EXISTS (SELECT 1 FROM users WHERE is_admin);
-- What was counted before is forgotten, as it would be within 15 minutes.
DROP TABLE failed_logins;
CREATE TABLE failed_logins (
    account   TEXT NOT NULL,  -- SHA-256 of the folded e-mail that was tried, the first 32 digits
    address   TEXT NOT NULL,  -- where the attempt came from: an address, or the network of an IPv6 address
    site      TEXT NOT NULL,  -- the wider network of an IPv6 address; else the address
    failed_at INTEGER NOT NULL  -- µs
);
CREATE INDEX failed_logins_here ON failed_logins (account, address, failed_at);
CREATE INDEX failed_logins_site ON failed_logins (account, site, failed_at);
CREATE INDEX failed_logins_account ON failed_logins (account, failed_at);
CREATE INDEX failed_logins_address ON failed_logins (address, failed_at);
CREATE INDEX failed_logins_failed_at ON failed_logins (failed_at);
