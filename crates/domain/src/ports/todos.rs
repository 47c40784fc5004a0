//! Where todos are kept.

use super::StorageError;
use crate::{
    Atomicity, IdempotencyConflict, Once, OperationOutcome, Page, SessionCondition, Timestamp,
    Todo, TodoChange, TodoFilter, TodoId, TodoOperation, UserId,
};

/// Why a todo was not inserted. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InsertTodoError {
    /// Its owner does not exist any more.
    #[error("the owner of the todo does not exist")]
    OwnerMissing,
    /// It was to be inserted once, and is not inserted now.
    #[error(transparent)]
    IdempotencyConflict(#[from] IdempotencyConflict),
    /// The storage failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Why several changes were not made. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ApplyTodosError {
    /// The owner does not exist any more.
    #[error("the owner of the todos does not exist")]
    OwnerMissing,
    /// All of them were to be made or none, and this one, counted from 0, found no todo.
    #[error("operation {index} found no todo")]
    NotFound {
        /// Which of them.
        index: usize,
    },
    /// They were to be made once, and are not made now.
    #[error(transparent)]
    IdempotencyConflict(#[from] IdempotencyConflict),
    /// The storage failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Whose todos are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// A user's.
    User(UserId),
    /// Those of the user of a session, on the condition that the session meets this.
    OfSession(SessionCondition),
}

impl Owner {
    /// Which user's they are.
    #[must_use]
    pub fn user_id(&self) -> UserId {
        match self {
            Self::User(user_id) => *user_id,
            Self::OfSession(guard) => guard.user_id,
        }
    }
}

impl From<UserId> for Owner {
    fn from(user_id: UserId) -> Self {
        Self::User(user_id)
    }
}

/// Keeps todos. Every method names the owner: another user's todo is as good as none.
///
/// A method that takes an [`Owner`] of a session, or a [`SessionCondition`], does what it does on that condition, both as
/// one: where the session does not meet it, the method MUST change nothing, tell nothing, and give
/// [`StorageError::SessionNotProven`]. After a deletion of the session was acknowledged, by whichever instance, no
/// statement that begins is on a condition that is met. (That there is nothing may be told by a second statement, which
/// asks whether the condition is met: since a [guard](SessionCondition) is made of a session that met it when it was seen,
/// one that meets it afterwards did so at the time of the first.)
///
/// A change that would exceed a [quota](crate::Quotas) of the owner MUST change nothing and give
/// [`StorageError::QuotaExceeded`]. Insertions at the same time never exceed it together. An update that makes a todo no
/// longer, and a deletion, never exceed it.
///
/// A method that takes a [`Once`] keeps its key and its answer together with what is done: all of them or none. So a
/// key counts only if what was asked for was done, and then until it is
/// [forgotten](crate::IdempotencyKey::forgotten_before). Of requests with one key at the same time, exactly one MUST
/// have its effect; the others may wait for it or be told that it is under way.
#[cfg_attr(feature = "mocks", mockall::automock)]
pub trait TodoRepository: Send + Sync {
    /// Inserts a todo: once, however often the request is made, where it has a key.
    ///
    /// # Errors
    /// MUST be [`InsertTodoError::OwnerMissing`] when its owner does not exist, and [`InsertTodoError::IdempotencyConflict`] when
    /// the key is there.
    fn insert<'a>(
        &self,
        todo: &Todo,
        once: Option<&'a Once<'a, Todo>>,
    ) -> Result<(), InsertTodoError>;

    /// Inserts a todo on the condition that a session, which is its owner's, meets `guard`.
    ///
    /// # Errors
    /// As [`insert`](TodoRepository::insert).
    fn insert_guarded(&self, todo: &Todo, guard: SessionCondition) -> Result<(), InsertTodoError>;

    /// The owner's todo with this id; `None` when the owner has no such todo.
    ///
    /// # Errors
    /// [`StorageError`].
    fn find(&self, owner: Owner, id: TodoId) -> Result<Option<Todo>, StorageError>;

    /// The owner's todos that [match](TodoFilter::matches), in the order of the page and from where it starts: at most
    /// `page.limit`, and at most one more that shows that the list goes on.
    ///
    /// Todos stand in an order as their [positions](crate::TodoOrder::position) do.
    ///
    /// # Errors
    /// [`StorageError`].
    fn list(
        &self,
        owner: Owner,
        filter: &TodoFilter,
        page: &Page,
    ) -> Result<Vec<Todo>, StorageError>;

    /// How many of the owner's todos [match](TodoFilter::matches).
    ///
    /// # Errors
    /// [`StorageError`].
    fn count(&self, owner: Owner, filter: &TodoFilter) -> Result<u64, StorageError>;

    /// Applies `change` at `now` to the owner's todo with this id and gives the todo as it is then; `None` when the
    /// owner has no such todo, or it is not of the expected version.
    ///
    /// MUST do to the stored todo what [`Todo::apply`] does. Changes made at the same time MUST happen one after the
    /// other: none is lost.
    ///
    /// # Errors
    /// [`StorageError`].
    fn update(
        &self,
        owner: Owner,
        id: TodoId,
        expected: Option<u64>,
        change: &TodoChange,
        now: Timestamp,
    ) -> Result<Option<Todo>, StorageError>;

    /// Deletes the owner's todo with this id. `false` when the owner has no such todo, or it is not of the expected
    /// version.
    ///
    /// # Errors
    /// [`StorageError`].
    fn delete(&self, owner: Owner, id: TodoId, expected: Option<u64>)
    -> Result<bool, StorageError>;

    /// Makes several changes to the owner's todos at `now`, in their order, and tells what came of each. The todos that
    /// are inserted are the owner's.
    ///
    /// Each change is what the method of the same name does. They happen in one transaction, and insertions that follow
    /// one another take a bounded number of round trips, however many they are.
    ///
    /// They are made once, however often the request is made, where it has a key.
    ///
    /// # Errors
    /// MUST be [`ApplyTodosError::NotFound`] when all are to be made or none, and one finds no todo, and
    /// [`ApplyTodosError::IdempotencyConflict`] when the key is there.
    fn apply<'a>(
        &self,
        owner: UserId,
        operations: &[TodoOperation],
        atomicity: Atomicity,
        now: Timestamp,
        once: Option<&'a Once<'a, [OperationOutcome]>>,
    ) -> Result<Vec<OperationOutcome>, ApplyTodosError>;
}
