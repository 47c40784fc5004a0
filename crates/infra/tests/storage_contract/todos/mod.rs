//! What [`todo_domain::ports::TodoRepository`] promises.

mod applying;
mod changing;
mod keeping;
mod listing;
mod once;
