-- Requests that are to have their effect once, and what they were answered with.
CREATE TABLE idempotency_keys (
    user_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    request TEXT NOT NULL,
    answer TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (user_id, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX ix_idempotency_keys_created_at ON idempotency_keys (created_at);
