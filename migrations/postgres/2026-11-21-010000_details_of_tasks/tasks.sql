-- Whoever does not know these columns can leave them out: each may be absent or has a default.
ALTER TABLE tasks
    -- By code point, as SQLite orders text.
    ADD COLUMN IF NOT EXISTS title_folded text COLLATE "C",
    ADD COLUMN IF NOT EXISTS description_folded text COLLATE "C",
    -- 0 is low, 1 is medium, 2 is high.
    ADD COLUMN IF NOT EXISTS priority smallint NOT NULL DEFAULT 1,
    ADD COLUMN IF NOT EXISTS due_date date,
    -- What the latest instant is to the program stands for never: what is never due comes last.
    ADD COLUMN IF NOT EXISTS due_at timestamp NOT NULL DEFAULT '9999-12-30 22:00:00',
    -- Seconds east of UTC.
    ADD COLUMN IF NOT EXISTS due_offset integer,
    ADD COLUMN IF NOT EXISTS tags text NOT NULL DEFAULT '',
    ADD COLUMN IF NOT EXISTS completed_at timestamp,
    -- Each change raises it.
    ADD COLUMN IF NOT EXISTS version bigint NOT NULL DEFAULT 1;
-- An earlier version of this program made them with the order of the database. No index is on them yet, and another
-- order needs no other contents, so this is done at once.
ALTER TABLE tasks
    ALTER COLUMN title_folded TYPE text COLLATE "C",
    ALTER COLUMN description_folded TYPE text COLLATE "C";
