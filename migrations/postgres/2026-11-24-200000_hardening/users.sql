-- When an operator disabled the account; null while it is enabled. An earlier version, which does not know of it, may go
-- on writing beside this one.
ALTER TABLE users ADD COLUMN IF NOT EXISTS disabled_at timestamp;
