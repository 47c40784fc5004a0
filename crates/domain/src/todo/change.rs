//! What may be changed about a todo.

use super::{Description, Due, Priority, Tags, Title};

/// What a change does to one property.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Change<T> {
    /// It stays as it is.
    #[default]
    Keep,
    /// It becomes this.
    To(T),
}

/// What a change does to whether a todo is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CompletionChange {
    /// It stays as it is.
    #[default]
    Keep,
    /// It becomes this.
    To(bool),
    /// It becomes the opposite of what it is.
    Toggle,
}

/// A change to a todo: what it does to each property that may change.
///
/// [`Todo::apply`](crate::Todo::apply) is what it means.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TodoChange {
    /// What is to be done.
    pub title: Change<Title>,
    /// More about it; `To(None)` clears it.
    pub description: Change<Option<Description>>,
    /// Whether it is done.
    pub completion: CompletionChange,
    /// How much it matters.
    pub priority: Change<Priority>,
    /// When it is to be done; `To(None)` clears it.
    pub due: Change<Option<Due>>,
    /// Words by which it is grouped with others.
    pub tags: Change<Tags>,
}

impl<T: Clone> Change<T> {
    pub(super) fn apply_to(&self, property: &mut T) {
        if let Self::To(value) = self {
            property.clone_from(value);
        }
    }
}

impl<T> Change<T> {
    /// The new value, where there is one.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Keep => None,
            Self::To(value) => Some(value),
        }
    }
}

impl TodoChange {
    /// Makes a done todo undone, and an undone one done.
    #[must_use]
    pub fn toggle() -> Self {
        Self {
            completion: CompletionChange::Toggle,
            ..Self::default()
        }
    }

    /// Whether it changes nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
