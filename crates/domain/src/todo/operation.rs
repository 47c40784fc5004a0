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

/// Changes that are asked for at once: 1 to 100. `T` is what stands for one of them.
///
/// ```
/// use todo_domain::{Batch, BatchLengthError};
///
/// assert!(Batch::new(vec!["create"; 100]).is_ok());
/// assert_eq!(Batch::new(vec!["create"; 101]), Err(BatchLengthError { actual: 101 }));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch<T>(Vec<T>);

/// There are no changes, or more than may be asked for at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must contain 1 to {} changes; got {actual}", Batch::<()>::MAX_LENGTH)]
pub struct BatchLengthError {
    /// How many there are.
    pub actual: usize,
}

impl<T> Batch<T> {
    /// The largest number of changes.
    pub const MAX_LENGTH: usize = 100;

    /// Takes as many changes as there may be.
    ///
    /// # Errors
    /// [`BatchLengthError`] when there are none, or more than [`Batch::MAX_LENGTH`].
    pub fn new(changes: Vec<T>) -> Result<Self, BatchLengthError> {
        if (1..=Self::MAX_LENGTH).contains(&changes.len()) {
            Ok(Self(changes))
        } else {
            Err(BatchLengthError {
                actual: changes.len(),
            })
        }
    }

    /// The changes, in their order.
    pub fn iter(&self) -> std::slice::Iter<'_, T> {
        self.0.iter()
    }

    /// Makes something else of each change.
    #[must_use]
    pub fn map<U>(self, make: impl FnMut(T) -> U) -> Batch<U> {
        Batch(self.0.into_iter().map(make).collect())
    }

    /// Those changes of which something can be made: perhaps none.
    #[must_use]
    pub fn filter_map<U>(&self, make: impl FnMut(&T) -> Option<U>) -> Batch<U> {
        Batch(self.iter().filter_map(make).collect())
    }
}

impl<T> IntoIterator for Batch<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a, T> IntoIterator for &'a Batch<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_has_1_to_100_changes() {
        for (length, accepted) in [(0, false), (1, true), (100, true), (101, false)] {
            assert_eq!(Batch::new(vec![(); length]).is_ok(), accepted, "{length}");
        }
        let error = BatchLengthError { actual: 101 };
        assert_eq!(error.to_string(), "must contain 1 to 100 changes; got 101");
    }

    #[test]
    fn of_a_batch_nothing_may_be_left() {
        let batch = Batch::new(vec!["1", "a"]).unwrap();
        let numbers: Vec<u8> = batch
            .filter_map(|text| text.parse().ok())
            .into_iter()
            .collect();
        assert_eq!(numbers, [1]);
        assert_eq!(batch.filter_map(|_| None::<u8>).iter().count(), 0);
    }
}
