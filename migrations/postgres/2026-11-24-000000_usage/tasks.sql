-- The program replaces @schema@ by the name of the schema.
-- Null until the task is counted; those that were there before are not written for it.
ALTER TABLE tasks ADD COLUMN IF NOT EXISTS bytes integer;
-- Triggers run in the order of their names: these see what those of folded texts have filled in.
DROP TRIGGER IF EXISTS todo_tasks_usage_insert ON tasks;
CREATE TRIGGER todo_tasks_usage_insert BEFORE INSERT ON tasks
    FOR EACH ROW WHEN (NEW.bytes IS NULL) EXECUTE FUNCTION @schema@.todo_tasks_usage_insert();
DROP TRIGGER IF EXISTS todo_tasks_usage_update ON tasks;
CREATE TRIGGER todo_tasks_usage_update
    BEFORE UPDATE OF title, title_folded, description, description_folded, tags ON tasks
    FOR EACH ROW EXECUTE FUNCTION @schema@.todo_tasks_usage_update();
DROP TRIGGER IF EXISTS todo_tasks_usage_delete ON tasks;
CREATE TRIGGER todo_tasks_usage_delete AFTER DELETE ON tasks
    REFERENCING OLD TABLE AS deleted_tasks FOR EACH STATEMENT EXECUTE FUNCTION @schema@.todo_tasks_usage_delete();
