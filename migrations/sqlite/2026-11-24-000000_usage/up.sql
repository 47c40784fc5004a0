-- The bytes with which a task counts towards the quota of its owner: a text counts in its longer form, as written or folded.
ALTER TABLE tasks ADD COLUMN bytes INTEGER;

-- One row for each user, with what counts towards quotas.
CREATE TABLE user_usage (
    user_id BLOB NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    tasks INTEGER NOT NULL DEFAULT 0,
    bytes INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

UPDATE tasks SET bytes =
    max(length(CAST(title AS BLOB)), length(CAST(coalesce(title_folded, '') AS BLOB)))
    + max(length(CAST(coalesce(description, '') AS BLOB)), length(CAST(coalesce(description_folded, '') AS BLOB)))
    + length(CAST(tags AS BLOB));
INSERT INTO user_usage (user_id, tasks, bytes)
    SELECT users.id, count(tasks.id), coalesce(sum(tasks.bytes), 0)
    FROM users LEFT JOIN tasks ON tasks.user_id = users.id GROUP BY users.id;

CREATE TRIGGER todo_users_usage AFTER INSERT ON users BEGIN
    INSERT INTO user_usage (user_id) VALUES (NEW.id);
END;
-- A task that is inserted with its bytes is counted by who inserts it. The release before and other software insert
-- tasks without; their bytes are counted by the trigger of updates.
CREATE TRIGGER todo_tasks_usage_insert AFTER INSERT ON tasks WHEN NEW.bytes IS NULL BEGIN
    UPDATE tasks SET bytes =
        max(length(CAST(title AS BLOB)), length(CAST(coalesce(title_folded, '') AS BLOB)))
        + max(length(CAST(coalesce(description, '') AS BLOB)), length(CAST(coalesce(description_folded, '') AS BLOB)))
        + length(CAST(tags AS BLOB))
    WHERE id = NEW.id;
    UPDATE user_usage SET tasks = tasks + 1 WHERE user_id = NEW.user_id;
END;
CREATE TRIGGER todo_tasks_usage_delete AFTER DELETE ON tasks BEGIN
    UPDATE user_usage SET tasks = tasks - 1, bytes = bytes - coalesce(OLD.bytes, 0) WHERE user_id = OLD.user_id;
END;
CREATE TRIGGER todo_tasks_usage_update AFTER UPDATE OF bytes ON tasks WHEN NEW.bytes IS NOT OLD.bytes BEGIN
    UPDATE user_usage SET bytes = bytes + coalesce(NEW.bytes, 0) - coalesce(OLD.bytes, 0) WHERE user_id = NEW.user_id;
END;
CREATE TRIGGER todo_tasks_bytes_update
AFTER UPDATE OF title, title_folded, description, description_folded, tags ON tasks BEGIN
    UPDATE tasks SET bytes =
        max(length(CAST(title AS BLOB)), length(CAST(coalesce(title_folded, '') AS BLOB)))
        + max(length(CAST(coalesce(description, '') AS BLOB)), length(CAST(coalesce(description_folded, '') AS BLOB)))
        + length(CAST(tags AS BLOB))
    WHERE id = NEW.id;
END;

-- Failures that belong to no account are one event for each network and hour.
ALTER TABLE security_events ADD COLUMN occurrences INTEGER NOT NULL DEFAULT 1;
