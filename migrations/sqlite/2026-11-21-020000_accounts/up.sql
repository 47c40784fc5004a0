-- What is known of a session besides that it is there. Instants that are null are those of its beginning.
ALTER TABLE sessions ADD COLUMN last_used_at INTEGER;
-- How many times its refresh token was replaced, and when that last happened.
ALTER TABLE sessions ADD COLUMN generation INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN rotated_at INTEGER;
ALTER TABLE sessions ADD COLUMN address TEXT;
ALTER TABLE sessions ADD COLUMN user_agent TEXT;
CREATE INDEX ix_sessions_last_used_at ON sessions (last_used_at);

-- Digests are SHA-256: what is kept here cannot be shown as a credential.
CREATE TABLE personal_access_tokens (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    user_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    scopes TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    last_used_at INTEGER
) STRICT;
CREATE UNIQUE INDEX ix_personal_access_tokens_digest ON personal_access_tokens (digest);
CREATE INDEX ix_personal_access_tokens_user_id ON personal_access_tokens (user_id);
CREATE INDEX ix_personal_access_tokens_expires_at ON personal_access_tokens (expires_at);

-- What was sent by mail, and works once.
CREATE TABLE mailed_secrets (
    digest BLOB NOT NULL PRIMARY KEY CHECK (length(digest) = 32),
    user_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    purpose TEXT NOT NULL,
    email TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX ix_mailed_secrets_user_id ON mailed_secrets (user_id);
CREATE INDEX ix_mailed_secrets_expires_at ON mailed_secrets (expires_at);

-- How often something was guessed at, such as the password of one account; `level` in thousandths of a failure.
CREATE TABLE guesses (
    subject BLOB NOT NULL PRIMARY KEY CHECK (length(subject) = 32),
    level INTEGER NOT NULL,
    failed_at INTEGER,
    succeeded_at INTEGER,
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX ix_guesses_updated_at ON guesses (updated_at);

-- What happened to accounts.
CREATE TABLE security_events (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    user_id BLOB REFERENCES users (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    subject BLOB CHECK (length(subject) = 16),
    address TEXT,
    user_agent TEXT,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX ix_security_events_user_id_created_at_id ON security_events (user_id, created_at, id);
CREATE INDEX ix_security_events_created_at ON security_events (created_at);
