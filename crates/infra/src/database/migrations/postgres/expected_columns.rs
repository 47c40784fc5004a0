//! The tables, and the columns that each must have.

/// The table in which migrations are recorded.
pub(super) const MIGRATIONS_TABLE: &str = "__diesel_schema_migrations";

/// The expected columns of a table: the name, the accepted types, and whether the table must have it already.
pub(super) type Expected = [(&'static str, &'static [&'static str], bool)];

const TEXT: &[&str] = &["varchar", "text"];
const UUID: &[&str] = &["uuid"];
const INSTANT: &[&str] = &["timestamp"];
const BYTES: &[&str] = &["bytea"];

pub(super) const USERS: &Expected = &[
    ("id", UUID, true),
    ("email", TEXT, true),
    ("hashed_password", TEXT, false),
    ("email_verified", &["bool"], true),
    ("name", TEXT, true),
    ("image", TEXT, true),
    ("created_at", INSTANT, true),
    ("updated_at", INSTANT, true),
    ("time_zone", TEXT, false),
    ("disabled_at", INSTANT, false),
];

pub(super) const TASKS: &Expected = &[
    ("id", UUID, true),
    ("user_id", UUID, true),
    ("title", TEXT, true),
    ("description", TEXT, true),
    ("completed", &["bool"], true),
    ("created_at", INSTANT, true),
    ("updated_at", INSTANT, true),
    ("title_folded", TEXT, false),
    ("description_folded", TEXT, false),
    ("priority", &["int2"], false),
    ("due_date", &["date"], false),
    ("due_at", INSTANT, false),
    ("due_offset", &["int4"], false),
    ("tags", TEXT, false),
    ("completed_at", INSTANT, false),
    ("version", &["int8"], false),
    ("bytes", &["int4"], false),
];

pub(super) const SESSIONS: &Expected = &[
    ("id", UUID, true),
    ("user_id", UUID, true),
    ("created_at", INSTANT, true),
    ("expires_at", INSTANT, true),
    ("last_used_at", INSTANT, false),
    ("generation", &["int4"], false),
    ("rotated_at", INSTANT, false),
    ("address", TEXT, false),
    ("user_agent", TEXT, false),
];

pub(super) const IDEMPOTENCY_KEYS: &Expected = &[
    ("user_id", UUID, true),
    ("key", TEXT, true),
    ("request", TEXT, true),
    ("answer", TEXT, true),
    ("created_at", INSTANT, true),
];

const PERSONAL_ACCESS_TOKENS: &Expected = &[
    ("id", UUID, true),
    ("user_id", UUID, true),
    ("name", TEXT, true),
    ("digest", BYTES, true),
    ("scopes", TEXT, true),
    ("created_at", INSTANT, true),
    ("expires_at", INSTANT, true),
    ("last_used_at", INSTANT, true),
];

const MAILED_SECRETS: &Expected = &[
    ("digest", BYTES, true),
    ("user_id", UUID, true),
    ("purpose", TEXT, true),
    ("email", TEXT, true),
    ("created_at", INSTANT, true),
    ("expires_at", INSTANT, true),
];

const GUESSES: &Expected = &[
    ("subject", BYTES, true),
    ("level", &["int4"], true),
    ("failed_at", INSTANT, true),
    ("succeeded_at", INSTANT, true),
    ("updated_at", INSTANT, true),
];

const SECURITY_EVENTS: &Expected = &[
    ("id", UUID, true),
    ("user_id", UUID, true),
    ("kind", TEXT, true),
    ("subject", UUID, true),
    ("address", TEXT, true),
    ("user_agent", TEXT, true),
    ("created_at", INSTANT, true),
    ("occurrences", &["int4"], false),
];

pub(super) const USER_USAGE: &Expected = &[
    ("user_id", UUID, true),
    ("tasks", &["int8"], true),
    ("bytes", &["int8"], true),
];

/// The tables of accounts, which the third migration creates.
pub(super) const ACCOUNT_TABLES: [(&str, &Expected); 4] = [
    ("personal_access_tokens", PERSONAL_ACCESS_TOKENS),
    ("mailed_secrets", MAILED_SECRETS),
    ("guesses", GUESSES),
    ("security_events", SECURITY_EVENTS),
];
