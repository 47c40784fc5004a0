//! What the ports of the domain promise, clause by clause, on SQLite and on PostgreSQL alike.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests fail by panicking, their helpers too"
)]

mod archive;
mod backup;
mod concurrency;
mod deletion;
mod guess_ledger;
mod mailed_secrets;
mod migrations;
mod personal_access_tokens;
mod revocation;
mod security_events;
mod sessions;
mod storage;
mod tls;
mod todos;
mod users;
