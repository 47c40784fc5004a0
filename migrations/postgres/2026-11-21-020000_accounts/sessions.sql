-- What is known of a session besides that it is there. Instants that are null are those of its beginning: an earlier
-- version, which does not know of these columns, may go on writing beside this one.
ALTER TABLE sessions ADD COLUMN IF NOT EXISTS last_used_at timestamp;
-- How many times its refresh token was replaced, and when that last happened.
ALTER TABLE sessions ADD COLUMN IF NOT EXISTS generation integer NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN IF NOT EXISTS rotated_at timestamp;
ALTER TABLE sessions ADD COLUMN IF NOT EXISTS address text;
ALTER TABLE sessions ADD COLUMN IF NOT EXISTS user_agent text;
CREATE INDEX IF NOT EXISTS ix_sessions_last_used_at ON sessions (last_used_at);
