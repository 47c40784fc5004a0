-- Failures that belong to no account are one event for each network and hour.
ALTER TABLE security_events ADD COLUMN IF NOT EXISTS occurrences integer NOT NULL DEFAULT 1;
