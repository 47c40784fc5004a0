CREATE TRIGGER todo_tasks_before_insert BEFORE INSERT ON tasks
    FOR EACH ROW WHEN (NEW.title_folded IS NULL) EXECUTE FUNCTION todo_tasks_before_insert();
CREATE TRIGGER todo_tasks_before_update BEFORE UPDATE ON tasks
    FOR EACH ROW WHEN (NEW.version = OLD.version) EXECUTE FUNCTION todo_tasks_before_update();
