-- Digests are SHA-256: what is kept here cannot be shown as a credential.
CREATE TABLE IF NOT EXISTS personal_access_tokens (
    id uuid NOT NULL PRIMARY KEY,
    user_id uuid NOT NULL,
    name text NOT NULL,
    digest bytea NOT NULL,
    scopes text NOT NULL,
    created_at timestamp NOT NULL,
    expires_at timestamp NOT NULL,
    last_used_at timestamp,
    CONSTRAINT personal_access_tokens_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX IF NOT EXISTS ix_personal_access_tokens_digest ON personal_access_tokens (digest);
CREATE INDEX IF NOT EXISTS ix_personal_access_tokens_user_id ON personal_access_tokens (user_id);
CREATE INDEX IF NOT EXISTS ix_personal_access_tokens_expires_at ON personal_access_tokens (expires_at);

-- What was sent by mail, and works once.
CREATE TABLE IF NOT EXISTS mailed_secrets (
    digest bytea NOT NULL PRIMARY KEY,
    user_id uuid NOT NULL,
    purpose text NOT NULL,
    email text NOT NULL,
    created_at timestamp NOT NULL,
    expires_at timestamp NOT NULL,
    CONSTRAINT mailed_secrets_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS ix_mailed_secrets_user_id ON mailed_secrets (user_id);
CREATE INDEX IF NOT EXISTS ix_mailed_secrets_expires_at ON mailed_secrets (expires_at);

-- How often something was guessed at, such as the password of one account; `level` in thousandths of a failure.
CREATE TABLE IF NOT EXISTS guesses (
    subject bytea NOT NULL PRIMARY KEY,
    level integer NOT NULL,
    failed_at timestamp,
    succeeded_at timestamp,
    updated_at timestamp NOT NULL
);
CREATE INDEX IF NOT EXISTS ix_guesses_updated_at ON guesses (updated_at);

-- What happened to accounts.
CREATE TABLE IF NOT EXISTS security_events (
    id uuid NOT NULL PRIMARY KEY,
    user_id uuid,
    kind text NOT NULL,
    subject uuid,
    address text,
    user_agent text,
    created_at timestamp NOT NULL,
    CONSTRAINT security_events_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS ix_security_events_user_id_created_at_id ON security_events (user_id, created_at, id);
CREATE INDEX IF NOT EXISTS ix_security_events_created_at ON security_events (created_at);
