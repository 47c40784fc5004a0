-- Makes whole what another backend inserts. It sees no row that this program inserts.
CREATE OR REPLACE FUNCTION todo_tasks_before_insert() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    NEW.title_folded := todo_fold(NEW.title);
    NEW.description_folded := todo_fold(NEW.description);
    IF NEW.completed THEN
        NEW.completed_at := coalesce(NEW.completed_at, NEW.updated_at);
    END IF;
    RETURN NEW;
END
$$;

-- Makes whole what another backend changes. It sees no change that raises the version, as those of this program do.
CREATE OR REPLACE FUNCTION todo_tasks_before_update() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    before record;
BEGIN
    -- Without a folded title, the row is older than these columns and has not been filled in yet.
    IF NEW.description IS DISTINCT FROM OLD.description OR NEW.title_folded IS NULL THEN
        NEW.description_folded := todo_fold(NEW.description);
    END IF;
    IF NEW.title IS DISTINCT FROM OLD.title OR NEW.title_folded IS NULL THEN
        NEW.title_folded := todo_fold(NEW.title);
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
