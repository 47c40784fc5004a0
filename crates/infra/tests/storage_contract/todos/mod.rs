//! What [`todo_domain::ports::TodoRepository`] promises.

mod changing;
mod keeping;
mod listing;
mod once;
