//! Several changes at once.

use super::{Todo, TodoChange};
use crate::TodoId;

/// One of several changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TodoOperation {
    /// Inserts a todo.
    Insert(Todo),
    /// Applies a change to a todo.
    Update {
        /// Which.
        id: TodoId,
        /// What it does.
        change: TodoChange,
    },
    /// Deletes a todo.
    Delete {
        /// Which.
        id: TodoId,
    },
}

/// What came of one of several changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OperationOutcome {
    /// The todo as it is now.
    Written(Todo),
    /// The todo is gone.
    Deleted,
    /// The owner has no such todo; nothing was changed.
    NotFound,
}

/// What happens to the other changes when one finds no todo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Atomicity {
    /// None of them is made.
    AllOrNothing,
    /// They are made.
    EachForItself,
}
