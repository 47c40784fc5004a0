//! Todos, the values they are made of, and what may be done to them.

mod change;
mod description;
mod due;
mod due_condition;
mod filter;
mod operation;
mod order;
mod page;
mod priority;
mod tags;
mod title;

pub use change::{Change, CompletionChange, TodoChange};
pub use description::Description;
pub use due::{Due, InvalidDue};
pub use due_condition::{
    Days, DaysReversed, DueCondition, DuePeriod, InvalidDate, InvalidDuePeriod, date,
};
pub use filter::{SearchText, TodoFilter};
pub use operation::{Atomicity, Batch, BatchLengthError, OperationOutcome, TodoOperation};
pub use order::{
    Direction, InvalidDirection, InvalidSortKey, Position, SortKey, SortValue, TodoOrder,
};
pub use page::{Page, PageLimit, PageLimitError, PageStart};
pub use priority::{InvalidPriority, Priority};
pub use tags::{Tag, Tags, TooManyTags};
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
    /// When it was done; `None` while it is not.
    pub completed_at: Option<Timestamp>,
    /// How much it matters.
    pub priority: Priority,
    /// When it is to be done.
    pub due: Option<Due>,
    /// Words by which it is grouped with others.
    pub tags: Tags,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// How many times it has been written; a new one is of version 1.
    pub version: u64,
}

/// What a new todo is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTodo {
    /// What is to be done.
    pub title: Title,
    /// More about it.
    pub description: Option<Description>,
    /// How much it matters.
    pub priority: Priority,
    /// When it is to be done.
    pub due: Option<Due>,
    /// Words by which it is grouped with others.
    pub tags: Tags,
}

impl NewTodo {
    /// With a title, and nothing else that is not usual.
    #[must_use]
    pub fn titled(title: Title) -> Self {
        Self {
            title,
            description: None,
            priority: Priority::default(),
            due: None,
            tags: Tags::default(),
        }
    }
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
            completed_at: None,
            priority: new.priority,
            due: new.due,
            tags: new.tags,
            created_at: now,
            updated_at: now,
            version: 1,
        }
    }

    /// Whether it is done.
    #[must_use]
    pub fn is_completed(&self) -> bool {
        self.completed_at.is_some()
    }

    /// Where it stands among others by when it is due: after all others, when it never is.
    #[must_use]
    pub fn due_sort_key(&self) -> Timestamp {
        self.due.map_or(Timestamp::MAX, Due::sort_key)
    }

    /// Applies `change` at `now`. A change of nothing leaves the todo as it is, its time and its version included.
    ///
    /// What is done again stays done since the first time.
    ///
    /// ```
    /// # use todo_domain::*;
    /// # let id = "0192f0c1-2345-7abc-8def-0123456789ab";
    /// # let created = Timestamp::from_microseconds(1)?;
    /// # let new = NewTodo::titled(Title::new("Buy milk")?);
    /// # let mut todo = Todo::new(id.parse()?, id.parse()?, new, created);
    /// let later = Timestamp::from_microseconds(2)?;
    /// todo.apply(&TodoChange::toggle(), later);
    /// assert_eq!(todo.completed_at, Some(later));
    /// assert_eq!(todo.version, 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn apply(&mut self, change: &TodoChange, now: Timestamp) {
        if change.is_empty() {
            return;
        }
        change.title.apply_to(&mut self.title);
        change.description.apply_to(&mut self.description);
        change.priority.apply_to(&mut self.priority);
        change.due.apply_to(&mut self.due);
        change.tags.apply_to(&mut self.tags);
        self.completed_at = match change.completion {
            CompletionChange::Keep => self.completed_at,
            CompletionChange::To(true) => self.completed_at.or(Some(now)),
            CompletionChange::To(false) => None,
            CompletionChange::Toggle if self.is_completed() => None,
            CompletionChange::Toggle => Some(now),
        };
        self.updated_at = now;
        self.version += 1;
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
            description: Some(Description::new("two litres").unwrap()),
            ..NewTodo::titled(Title::new("Buy milk").unwrap())
        };
        let (id, owner) = (Uuid::from_u128(1), Uuid::from_u128(2));
        Todo::new(TodoId::from_uuid(id), UserId::from_uuid(owner), new, at(0))
    }

    #[test]
    fn a_new_todo_is_not_done() {
        assert!(!todo().is_completed());
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
            version: 2,
            ..todo()
        };
        assert_eq!(changed, expected);
    }

    #[test]
    fn what_is_done_again_stays_done_since_the_first_time() {
        let mut changed = todo();
        let done = |completed| TodoChange {
            completion: CompletionChange::To(completed),
            ..TodoChange::default()
        };
        changed.apply(&done(true), at(1));
        changed.apply(&done(true), at(2));
        assert_eq!(changed.completed_at, Some(at(1)));
        changed.apply(&done(false), at(3));
        assert_eq!(changed.completed_at, None);
    }

    proptest! {
        #[test]
        fn toggling_n_times_is_done_when_n_is_odd(n in 0_i64..50) {
            let mut toggled = todo();
            for time in 1..=n {
                toggled.apply(&TodoChange::toggle(), at(time));
            }
            prop_assert_eq!(toggled.is_completed(), n % 2 == 1);
            prop_assert_eq!(toggled.updated_at, at(n));
        }
    }
}
