ALTER TABLE security_events DROP COLUMN occurrences;
DROP TRIGGER todo_tasks_bytes_update;
DROP TRIGGER todo_tasks_usage_update;
DROP TRIGGER todo_tasks_usage_delete;
DROP TRIGGER todo_tasks_usage_insert;
DROP TRIGGER todo_users_usage;
DROP TABLE user_usage;
ALTER TABLE tasks DROP COLUMN bytes;
