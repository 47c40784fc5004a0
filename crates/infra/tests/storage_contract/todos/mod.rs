//! What [`todo_domain::ports::TodoRepository`] promises.

mod applying;
mod changing;
mod guarded;
mod keeping;
mod listing;
mod once;
pub(crate) mod quotas;
