//! The repositories on [`Database`](crate::Database). The files mirror those of the ports in the domain.

mod access;
mod archive;
mod attempt_store;
mod clients;
mod deletion;
mod email_tokens;
mod idempotency_keys;
mod personal_access_tokens;
mod revocation;
mod security_events;
mod session_condition;
mod sessions;
mod todos;
mod usage;
mod user_settings;
mod users;
