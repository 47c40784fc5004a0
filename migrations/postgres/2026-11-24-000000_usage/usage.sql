-- The program replaces @schema@ by the name of the schema. It is named, and values are cast to the exact type of the
-- parameter, so that no function of another role with the same name is called.

-- One row for each user, with what counts towards quotas. A change of it stays on its page.
CREATE TABLE IF NOT EXISTS user_usage (
    user_id uuid NOT NULL PRIMARY KEY,
    tasks bigint NOT NULL DEFAULT 0,
    bytes bigint NOT NULL DEFAULT 0,
    CONSTRAINT user_usage_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
) WITH (fillfactor = 50);

-- The bytes with which a task counts: a text counts in its longer form, as written or folded.
CREATE OR REPLACE FUNCTION @schema@.todo_task_bytes(
    title text, title_folded text, description text, description_folded text, tags text
) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT greatest(octet_length(title), octet_length(title_folded))
        + coalesce(greatest(octet_length(description), octet_length(description_folded)), 0)
        + octet_length(tags)
$$;

CREATE OR REPLACE FUNCTION @schema@.todo_users_usage() RETURNS trigger
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
BEGIN
    INSERT INTO user_usage (user_id) VALUES (NEW.id) ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;

-- Counts a task that is inserted without its bytes: by another backend, or by a statement that leaves counting to this.
CREATE OR REPLACE FUNCTION @schema@.todo_tasks_usage_insert() RETURNS trigger
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
BEGIN
    NEW.bytes := @schema@.todo_task_bytes(
        NEW.title::text, NEW.title_folded::text, NEW.description::text, NEW.description_folded::text, NEW.tags::text);
    UPDATE user_usage SET tasks = tasks + 1, bytes = bytes + NEW.bytes WHERE user_id = NEW.user_id;
    RETURN NEW;
END
$$;

CREATE OR REPLACE FUNCTION @schema@.todo_tasks_usage_update() RETURNS trigger
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
DECLARE
    before integer := coalesce(OLD.bytes, @schema@.todo_task_bytes(
        OLD.title::text, OLD.title_folded::text, OLD.description::text, OLD.description_folded::text, OLD.tags::text));
BEGIN
    NEW.bytes := @schema@.todo_task_bytes(
        NEW.title::text, NEW.title_folded::text, NEW.description::text, NEW.description_folded::text, NEW.tags::text);
    IF NEW.bytes <> before THEN
        UPDATE user_usage SET bytes = bytes + NEW.bytes - before WHERE user_id = NEW.user_id;
    END IF;
    RETURN NEW;
END
$$;

-- A statement may delete all tasks of a user: they are counted together.
CREATE OR REPLACE FUNCTION @schema@.todo_tasks_usage_delete() RETURNS trigger
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
BEGIN
    UPDATE user_usage SET tasks = user_usage.tasks - deleted.tasks, bytes = user_usage.bytes - deleted.bytes
    FROM (
        SELECT user_id, count(*) AS tasks, sum(coalesce(bytes, @schema@.todo_task_bytes(
            title::text, title_folded::text, description::text, description_folded::text, tags::text))) AS bytes
        FROM deleted_tasks GROUP BY user_id
    ) AS deleted
    WHERE user_usage.user_id = deleted.user_id;
    RETURN NULL;
END
$$;

DROP TRIGGER IF EXISTS todo_users_usage ON users;
CREATE TRIGGER todo_users_usage AFTER INSERT ON users
    FOR EACH ROW EXECUTE FUNCTION @schema@.todo_users_usage();
