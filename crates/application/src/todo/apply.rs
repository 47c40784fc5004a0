//! Making several changes at once.

use todo_domain::{
    Atomicity, Batch, IdempotencyConflict, NewTodo, OperationOutcome, Todo, TodoChange, TodoId,
    TodoOperation,
    ports::{ApplyTodosError as PortError, BoxError},
};

use super::once::{Done, IdempotentRequest};
use crate::{App, Caller, ServiceError};

/// One of several changes, as a caller wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WantedOperation {
    /// Creates a todo.
    Create(NewTodo),
    /// Changes a todo.
    Update {
        /// Which.
        id: TodoId,
        /// How.
        change: TodoChange,
    },
    /// Deletes a todo.
    Delete {
        /// Which.
        id: TodoId,
    },
}

/// Why none of the changes was made.
#[derive(Debug, thiserror::Error)]
pub enum ApplyTodosError {
    /// The caller's account was deleted a moment ago.
    #[error("the account does not exist any more")]
    CallerMissing,
    /// All were to be made or none, and this one, counted from 0, is of a todo that the caller does not have.
    #[error("operation {index} is of a todo that is not there")]
    NotFound {
        /// Which of them.
        index: usize,
    },
    /// The caller called another request by the same key.
    #[error("the key was used for another request")]
    KeyReused,
    /// The same request is under way.
    #[error("the same request is under way")]
    UnderWay,
    /// The service failed.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

/// Makes several changes to the caller's todos, in their order, and tells what came of each: once, however often the
/// request is made, where it has a key.
///
/// `answer` tells what the request is answered with when this came of the changes, so that it can be given again.
///
/// # Errors
/// [`ApplyTodosError`].
pub fn apply_todos(
    app: &App,
    caller: &Caller,
    wanted: Batch<WantedOperation>,
    atomicity: Atomicity,
    once: Option<IdempotentRequest>,
    answer: impl Fn(&[OperationOutcome]) -> Result<String, BoxError>,
) -> Result<Done<Vec<OperationOutcome>>, ApplyTodosError> {
    let now = app.clock.now();
    let owner = caller.known_user_id()?;
    let operations: Vec<TodoOperation> = wanted
        .into_iter()
        .map(|wanted| match wanted {
            WantedOperation::Create(new) => {
                TodoOperation::Insert(Todo::new(app.ids.todo(), owner, new, now))
            }
            WantedOperation::Update { id, change } => TodoOperation::Update { id, change },
            WantedOperation::Delete { id } => TodoOperation::Delete { id },
        })
        .collect();
    let once = once
        .map(|once| once.made_by(caller, now, &answer))
        .transpose()?;
    match app
        .todos
        .apply(owner, &operations, atomicity, now, once.as_ref())
    {
        Ok(outcomes) => Ok(Done::Now(outcomes)),
        Err(PortError::OwnerMissing) => Err(ApplyTodosError::CallerMissing),
        Err(PortError::NotFound { index }) => Err(ApplyTodosError::NotFound { index }),
        Err(PortError::IdempotencyConflict(IdempotencyConflict::Repeated(answer))) => {
            Ok(Done::Before(answer))
        }
        Err(PortError::IdempotencyConflict(IdempotencyConflict::KeyReused)) => {
            Err(ApplyTodosError::KeyReused)
        }
        Err(PortError::IdempotencyConflict(IdempotencyConflict::UnderWay)) => {
            Err(ApplyTodosError::UnderWay)
        }
        Err(PortError::Storage(error)) => Err(ApplyTodosError::Service(error.into())),
        Err(error) => Err(ApplyTodosError::Service(ServiceError::Internal(
            error.into(),
        ))),
    }
}

#[cfg(test)]
mod tests {
    use todo_domain::IdempotencyKey;

    use super::*;
    use crate::testing::{Mocks, caller, new_todo, now, todo, todo_id, unavailable, user_id};

    fn refusing(error: impl Fn() -> PortError + Send + 'static) -> Mocks {
        let mut mocks = Mocks::at_now();
        mocks
            .todos
            .expect_apply()
            .returning(move |_, _, _, _, _| Err(error()));
        mocks
    }

    fn apply(
        mocks: Mocks,
        wanted: Vec<WantedOperation>,
        once: Option<IdempotentRequest>,
    ) -> Result<Done<Vec<OperationOutcome>>, ApplyTodosError> {
        let (wanted, atomicity) = (Batch::new(wanted).unwrap(), Atomicity::EachForItself);
        apply_todos(
            &mocks.app(),
            &caller(),
            wanted,
            atomicity,
            once,
            |outcomes| Ok(format!("{} came of it", outcomes.len())),
        )
    }

    fn delete(
        mocks: Mocks,
        once: Option<IdempotentRequest>,
    ) -> Result<Done<Vec<OperationOutcome>>, ApplyTodosError> {
        apply(
            mocks,
            vec![WantedOperation::Delete { id: todo_id(1) }],
            once,
        )
    }

    fn once() -> IdempotentRequest {
        IdempotentRequest {
            key: IdempotencyKey::new("key").unwrap(),
            request: "request".to_owned(),
        }
    }

    #[test]
    fn the_callers_todos_are_changed_in_order() {
        let mut mocks = Mocks::at_now();
        mocks.ids.expect_todo().return_const(todo_id(1));
        let change = TodoChange::toggle();
        let expected = [
            TodoOperation::Insert(todo()),
            TodoOperation::Update {
                id: todo_id(2),
                change: change.clone(),
            },
            TodoOperation::Delete { id: todo_id(3) },
        ];
        mocks
            .todos
            .expect_apply()
            .withf(move |owner, operations, atomicity, at, once| {
                *owner == user_id(1)
                    && *operations == expected
                    && *atomicity == Atomicity::EachForItself
                    && *at == now()
                    && once.is_none()
            })
            .once()
            .returning(|_, _, _, _, _| Ok(vec![OperationOutcome::Deleted]));
        let wanted = vec![
            WantedOperation::Create(new_todo()),
            WantedOperation::Update {
                id: todo_id(2),
                change,
            },
            WantedOperation::Delete { id: todo_id(3) },
        ];
        let done = apply(mocks, wanted, None).unwrap();
        assert_eq!(done, Done::Now(vec![OperationOutcome::Deleted]));
    }

    #[test]
    fn a_request_with_a_key_is_kept_with_the_answer_to_what_came_of_it() {
        let mut mocks = Mocks::at_now();
        mocks
            .todos
            .expect_apply()
            .withf(|_, _, _, _, kept| {
                let kept = kept.unwrap();
                let answer = (kept.answer)(&[OperationOutcome::Deleted]);
                kept.user_id == user_id(1)
                    && kept.key == once().key
                    && kept.request == once().request
                    && kept.now == now()
                    && answer.unwrap() == "1 came of it"
            })
            .once()
            .returning(|_, _, _, _, _| Ok(vec![OperationOutcome::Deleted]));
        let done = delete(mocks, Some(once())).unwrap();
        assert_eq!(done, Done::Now(vec![OperationOutcome::Deleted]));
    }

    #[test]
    fn a_request_that_was_made_before_gets_its_answer_again() {
        let mocks = refusing(|| IdempotencyConflict::Repeated("as before".to_owned()).into());
        let done = delete(mocks, Some(once())).unwrap();
        assert_eq!(done, Done::Before("as before".to_owned()));
    }

    #[test]
    fn a_key_that_is_taken_is_said_to_be() {
        let reused = delete(
            refusing(|| IdempotencyConflict::KeyReused.into()),
            Some(once()),
        );
        assert!(matches!(reused, Err(ApplyTodosError::KeyReused)));
        let under_way = delete(
            refusing(|| IdempotencyConflict::UnderWay.into()),
            Some(once()),
        );
        assert!(matches!(under_way, Err(ApplyTodosError::UnderWay)));
    }

    #[test]
    fn the_one_that_finds_no_todo_is_named() {
        let error = delete(refusing(|| PortError::NotFound { index: 3 }), None).unwrap_err();
        assert!(matches!(error, ApplyTodosError::NotFound { index: 3 }));
    }

    #[test]
    fn a_caller_deleted_meanwhile_is_said_to_be_gone() {
        let error = delete(refusing(|| PortError::OwnerMissing), None).unwrap_err();
        assert!(matches!(error, ApplyTodosError::CallerMissing));
    }

    #[test]
    fn a_storage_that_is_away_is_a_failure() {
        let error = delete(refusing(|| unavailable().into()), None).unwrap_err();
        assert!(matches!(
            error,
            ApplyTodosError::Service(ServiceError::Unavailable(_))
        ));
    }
}
