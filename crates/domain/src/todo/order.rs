//! In which order todos are listed, and where in it one stands.

use std::str::FromStr;

use super::Todo;
use crate::{Timestamp, TodoId, fold_case};

/// By what todos are ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SortKey {
    /// When they were created.
    #[default]
    CreatedAt,
    /// When they last changed.
    UpdatedAt,
    /// When they are due; those that never are come after all others.
    Due,
    /// How much they matter.
    Priority,
    /// Their titles, without differences of case, by code point.
    Title,
}

/// Which way round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Early before late, low before high, A before Z.
    Ascending,
    /// The other way round.
    Descending,
}

/// An order of todos. Those that are equal in it are ordered by their ids, the same way round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TodoOrder {
    /// By what.
    pub key: SortKey,
    /// Which way round.
    pub direction: Direction,
}

/// The text names no [`SortKey`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be created_at, updated_at, due_date, priority or title")]
pub struct InvalidSortKey;

/// The text names no [`Direction`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be asc or desc")]
pub struct InvalidDirection;

/// Where in an order a todo stands: what it is ordered by, and its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// What it is ordered by.
    pub value: SortValue,
    /// Its id.
    pub id: TodoId,
}

/// What a todo is ordered by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SortValue {
    /// An instant; for a todo that is never due, [`Timestamp::MAX`].
    Instant(Timestamp),
    /// A number that grows with the priority.
    Priority(i16),
    /// A folded title.
    Text(String),
}

impl SortKey {
    /// Which way round people usually want it: the newest first, the most urgent first, from A to Z.
    #[must_use]
    pub fn usual_direction(self) -> Direction {
        match self {
            Self::CreatedAt | Self::UpdatedAt | Self::Priority => Direction::Descending,
            Self::Due | Self::Title => Direction::Ascending,
        }
    }
}

impl Default for TodoOrder {
    /// The newest first.
    fn default() -> Self {
        let key = SortKey::default();
        Self {
            key,
            direction: key.usual_direction(),
        }
    }
}

impl TodoOrder {
    /// Where `todo` stands.
    #[must_use]
    pub fn position(self, todo: &Todo) -> Position {
        let value = match self.key {
            SortKey::CreatedAt => SortValue::Instant(todo.created_at),
            SortKey::UpdatedAt => SortValue::Instant(todo.updated_at),
            SortKey::Due => SortValue::Instant(todo.due_sort_key()),
            SortKey::Priority => SortValue::Priority(todo.priority as i16),
            SortKey::Title => SortValue::Text(fold_case(todo.title.as_str())),
        };
        Position { value, id: todo.id }
    }
}

impl FromStr for SortKey {
    type Err = InvalidSortKey;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "created_at" => Ok(Self::CreatedAt),
            "updated_at" => Ok(Self::UpdatedAt),
            "due_date" => Ok(Self::Due),
            "priority" => Ok(Self::Priority),
            "title" => Ok(Self::Title),
            _ => Err(InvalidSortKey),
        }
    }
}

impl FromStr for Direction {
    type Err = InvalidDirection;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "asc" => Ok(Self::Ascending),
            "desc" => Ok(Self::Descending),
            _ => Err(InvalidDirection),
        }
    }
}
