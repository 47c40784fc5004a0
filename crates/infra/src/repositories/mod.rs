//! The repositories of the domain on [`Database`](crate::Database), file by file as its ports.

mod access;
mod archive;
mod clients;
mod deletion;
mod guess_ledger;
mod idempotency_keys;
mod mailed_secrets;
mod personal_access_tokens;
mod security_events;
mod session_guards;
mod sessions;
mod todos;
mod usage;
mod users;
