//! Todos, the values they are made of, and what may be done to them.

mod change;
mod description;
mod filter;
mod page;
mod title;

pub use change::{Change, CompletionChange, TodoChange};
pub use description::Description;
pub use filter::{SearchText, TodoFilter};
pub use page::{Page, PageLimit, PageLimitError};
pub use title::Title;

use crate::{Timestamp, TodoId, UserId};

/// Something that its owner means to do.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Todo {
    /// Identifies the todo for ever.
    pub id: TodoId,
    /// The only user who can see or change it.
    pub owner: UserId,
    /// What is to be done.
    pub title: Title,
    /// More about it.
    pub description: Option<Description>,
    /// Whether it is done.
    pub completed: bool,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// What a new todo is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTodo {
    /// What is to be done.
    pub title: Title,
    /// More about it.
    pub description: Option<Description>,
}

impl Todo {
    /// A new todo of `owner`, created at `now` and not yet done.
    #[must_use]
    pub fn new(id: TodoId, owner: UserId, new: NewTodo, now: Timestamp) -> Self {
        Self {
            id,
            owner,
            title: new.title,
            description: new.description,
            completed: false,
            created_at: now,
            updated_at: now,
        }
    }

    /// Applies `change` at `now`. A change of nothing leaves the todo as it is, its time included.
    ///
    /// ```
    /// # use todo_domain::*;
    /// # let id = "0192f0c1-2345-7abc-8def-0123456789ab";
    /// # let created = Timestamp::from_microseconds(1)?;
    /// # let new = NewTodo { title: Title::new("Buy milk")?, description: None };
    /// # let mut todo = Todo::new(id.parse()?, id.parse()?, new, created);
    /// let later = Timestamp::from_microseconds(2)?;
    /// todo.apply(&TodoChange::toggle(), later);
    /// assert!(todo.completed);
    /// assert_eq!(todo.updated_at, later);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn apply(&mut self, change: &TodoChange, now: Timestamp) {
        if change.is_empty() {
            return;
        }
        change.title.apply_to(&mut self.title);
        change.description.apply_to(&mut self.description);
        match change.completion {
            CompletionChange::Keep => {}
            CompletionChange::To(completed) => self.completed = completed,
            CompletionChange::Toggle => self.completed = !self.completed,
        }
        self.updated_at = now;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn at(microseconds: i64) -> Timestamp {
        Timestamp::from_microseconds(microseconds).unwrap()
    }

    fn todo() -> Todo {
        let new = NewTodo {
            title: Title::new("Buy milk").unwrap(),
            description: Some(Description::new("two litres").unwrap()),
        };
        let (id, owner) = (Uuid::from_u128(1), Uuid::from_u128(2));
        Todo::new(TodoId::from_uuid(id), UserId::from_uuid(owner), new, at(0))
    }

    #[test]
    fn a_new_todo_is_not_done() {
        assert!(!todo().completed);
        assert_eq!(todo().created_at, todo().updated_at);
    }

    #[test]
    fn a_change_of_nothing_leaves_even_the_time() {
        let mut changed = todo();
        changed.apply(&TodoChange::default(), at(9));
        assert_eq!(changed, todo());
    }

    #[test]
    fn a_change_touches_what_it_names_and_nothing_else() {
        let mut changed = todo();
        let change = TodoChange {
            description: Change::To(None),
            ..TodoChange::default()
        };
        changed.apply(&change, at(9));
        let expected = Todo {
            description: None,
            updated_at: at(9),
            ..todo()
        };
        assert_eq!(changed, expected);
    }

    proptest! {
        #[test]
        fn toggling_n_times_is_done_when_n_is_odd(n in 0_i64..50) {
            let mut toggled = todo();
            for time in 1..=n {
                toggled.apply(&TodoChange::toggle(), at(time));
            }
            prop_assert_eq!(toggled.completed, n % 2 == 1);
            prop_assert_eq!(toggled.updated_at, at(n));
        }
    }
}
