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
