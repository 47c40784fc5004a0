-- What the latest instant is to the program, 9999-12-30 22:00:00, stands for never: what is never due comes last.
ALTER TABLE tasks
    ADD COLUMN priority smallint NOT NULL DEFAULT 1,
    ADD COLUMN due_date date,
    ADD COLUMN due_at timestamp NOT NULL DEFAULT '9999-12-30 22:00:00',
    ADD COLUMN due_offset integer,
    ADD COLUMN tags text NOT NULL DEFAULT '',
    ADD COLUMN completed_at timestamp,
    ADD COLUMN version bigint NOT NULL DEFAULT 1,
    -- By code point, as SQLite orders text.
    ALTER COLUMN title_folded TYPE text COLLATE "C",
    ALTER COLUMN description_folded TYPE text COLLATE "C";
UPDATE tasks SET completed_at = updated_at WHERE completed;
ALTER TABLE users ADD COLUMN time_zone varchar;

CREATE INDEX ix_tasks_user_id_updated_at_id ON tasks (user_id, updated_at, id);
CREATE INDEX ix_tasks_user_id_due_at_id ON tasks (user_id, due_at, id);
CREATE INDEX ix_tasks_user_id_priority_id ON tasks (user_id, priority, id);
CREATE INDEX ix_tasks_user_id_title_folded_id ON tasks (user_id, title_folded, id);
