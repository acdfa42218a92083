ALTER TABLE issued_tokens DROP COLUMN user_id, DROP COLUMN scopes, DROP COLUMN last_used_at, DROP COLUMN suspended_at;
DROP TABLE users;
