ALTER TABLE users
    ADD COLUMN IF NOT EXISTS hashed_password varchar,
    ADD COLUMN IF NOT EXISTS time_zone varchar;
