//! The storage contract on SQLite and on PostgreSQL, and tests of what is behind the ports: tables, migrations, backup, TLS.

#![expect(
    clippy::unwrap_used,
    reason = "tests fail by panicking, their helpers too"
)]

mod archive;
mod attempt_store;
mod backup;
mod contract;
mod deletion;
mod email_tokens;
mod isolation;
mod migrations;
mod security_events;
mod sessions;
mod storage;
mod tls;
mod usage;
mod users;
