-- The program replaces @schema@ by the name of the schema. It is named, and values are cast to the exact type of the
-- parameter, so that no function of another role with the same name is called.

-- Makes whole what another backend inserts. It sees no row that this program inserts.
CREATE OR REPLACE FUNCTION @schema@.todo_tasks_before_insert() RETURNS trigger
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
BEGIN
    NEW.title_folded := @schema@.todo_fold(NEW.title::text);
    NEW.description_folded := @schema@.todo_fold(NEW.description::text);
    IF NEW.completed THEN
        NEW.completed_at := coalesce(NEW.completed_at, NEW.updated_at);
    END IF;
    RETURN NEW;
END
$$;

-- Makes whole what another backend changes. It sees no change that raises the version, as those of this program do.
CREATE OR REPLACE FUNCTION @schema@.todo_tasks_before_update() RETURNS trigger
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
DECLARE
    before record;
BEGIN
    -- Without a folded title, the row is older than these columns and has not been filled in yet.
    IF NEW.description IS DISTINCT FROM OLD.description OR NEW.title_folded IS NULL THEN
        NEW.description_folded := @schema@.todo_fold(NEW.description::text);
    END IF;
    IF NEW.title IS DISTINCT FROM OLD.title OR NEW.title_folded IS NULL THEN
        NEW.title_folded := @schema@.todo_fold(NEW.title::text);
    END IF;
    IF NOT NEW.completed THEN
        NEW.completed_at := NULL;
    ELSIF NOT OLD.completed THEN
        NEW.completed_at := NEW.updated_at;
    ELSE
        NEW.completed_at := coalesce(NEW.completed_at, OLD.updated_at);
    END IF;
    -- Filling in what follows from the rest of the row is no change, and neither is writing it as it was.
    before := OLD;
    before.title_folded := NEW.title_folded;
    before.description_folded := NEW.description_folded;
    before.completed_at := NEW.completed_at;
    IF NEW *<> before THEN
        NEW.version := OLD.version + 1;
    END IF;
    RETURN NEW;
END
$$;
