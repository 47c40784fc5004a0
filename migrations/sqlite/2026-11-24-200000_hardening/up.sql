-- When an operator disabled the account; null while it is enabled.
ALTER TABLE users ADD COLUMN disabled_at INTEGER;
