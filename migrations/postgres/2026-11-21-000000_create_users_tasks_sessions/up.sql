-- Instants are timestamps without a zone, in UTC.
CREATE TABLE users (
    id uuid NOT NULL PRIMARY KEY,
    email varchar(255) NOT NULL,
    hashed_password varchar,
    email_verified boolean NOT NULL,
    name varchar(255),
    image varchar,
    created_at timestamp NOT NULL,
    updated_at timestamp NOT NULL
);
CREATE UNIQUE INDEX ix_users_email ON users (email);

CREATE TABLE tasks (
    id uuid NOT NULL PRIMARY KEY,
    user_id uuid NOT NULL,
    title varchar(255) NOT NULL,
    description varchar,
    completed boolean NOT NULL,
    created_at timestamp NOT NULL,
    updated_at timestamp NOT NULL,
    -- Title and description without their differences of case, for searching.
    title_folded text,
    description_folded text,
    CONSTRAINT tasks_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);
CREATE INDEX ix_tasks_user_id_created_at_id ON tasks (user_id, created_at DESC, id DESC);

CREATE TABLE sessions (
    id uuid NOT NULL PRIMARY KEY,
    user_id uuid NOT NULL,
    created_at timestamp NOT NULL,
    expires_at timestamp NOT NULL,
    CONSTRAINT sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);
CREATE INDEX ix_sessions_user_id ON sessions (user_id);
CREATE INDEX ix_sessions_expires_at ON sessions (expires_at);
