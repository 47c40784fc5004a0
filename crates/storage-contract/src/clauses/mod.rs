//! The clauses, by port or subject. Each is a function that panics when the storage breaks the clause.

pub mod archive;
pub mod attempt_store;
pub mod concurrency;
pub mod email_tokens;
pub mod personal_access_tokens;
pub mod revocation;
pub mod security_events;
pub mod sessions;
pub mod todo_batches;
pub mod todo_idempotency;
pub mod todo_lists;
pub mod todo_quotas;
pub mod todo_session_conditions;
pub mod todo_updates;
pub mod todos;
pub mod users;
