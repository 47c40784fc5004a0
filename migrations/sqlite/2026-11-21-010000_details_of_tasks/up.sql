-- What the latest instant is to the program, in the year 9999, stands for never: what is never due comes last.
-- Days are counted since 1970-01-01.
ALTER TABLE tasks ADD COLUMN priority INTEGER NOT NULL DEFAULT 1 CHECK (priority IN (0, 1, 2));
ALTER TABLE tasks ADD COLUMN due_date INTEGER;
ALTER TABLE tasks ADD COLUMN due_at INTEGER NOT NULL DEFAULT 253402207200000000;
ALTER TABLE tasks ADD COLUMN due_offset INTEGER;
ALTER TABLE tasks ADD COLUMN tags TEXT NOT NULL DEFAULT '';
ALTER TABLE tasks ADD COLUMN completed_at INTEGER;
ALTER TABLE tasks ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
UPDATE tasks SET completed_at = updated_at WHERE completed;
ALTER TABLE users ADD COLUMN time_zone TEXT;

CREATE INDEX ix_tasks_user_id_updated_at_id ON tasks (user_id, updated_at, id);
CREATE INDEX ix_tasks_user_id_due_at_id ON tasks (user_id, due_at, id);
CREATE INDEX ix_tasks_user_id_priority_id ON tasks (user_id, priority, id);
CREATE INDEX ix_tasks_user_id_title_folded_id ON tasks (user_id, title_folded, id);

-- Requests that are to have their effect once, and what they were answered with.
CREATE TABLE idempotency_keys (
    user_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    request TEXT NOT NULL,
    answer TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (user_id, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX ix_idempotency_keys_created_at ON idempotency_keys (created_at);
