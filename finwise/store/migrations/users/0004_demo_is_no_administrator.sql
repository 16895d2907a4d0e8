-- The demo user, who is open to everybody, was an administrator where it came first. The first real user takes its place.
UPDATE users SET is_admin = 0 WHERE email_key = 'demo@finwise.example';
UPDATE users SET is_admin = 1
  WHERE uuid = (SELECT uuid FROM users WHERE email_key <> 'demo@finwise.example' ORDER BY created_at, uuid LIMIT 1)
    AND NOT EXISTS (SELECT 1 FROM users WHERE is_admin);
