//! Creating a todo.

use todo_domain::{
    IdempotencyConflict, NewTodo, Todo,
    ports::{BoxError, InsertTodoError, Owner},
};

use super::once::{Done, IdempotentRequest};
use crate::{App, Caller, ServiceError};

/// Why no todo was created.
#[derive(Debug, thiserror::Error)]
pub enum CreateTodoError {
    /// The caller's account was deleted a moment ago.
    #[error("the account does not exist any more")]
    CallerMissing,
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

/// Creates a todo of the caller: once, however often the request is made, where it has a key.
///
/// `answer` tells what the request is answered with when the todo is created now, so that it can be given again.
///
/// # Errors
/// [`CreateTodoError`].
pub fn create_todo(
    app: &App,
    caller: &Caller,
    input: NewTodo,
    once: Option<IdempotentRequest>,
    answer: impl Fn(&Todo) -> Result<String, BoxError>,
) -> Result<Done<Todo>, CreateTodoError> {
    let now = app.clock.now();
    let todo = Todo::new(app.ids.todo(), caller.claimed_user_id(), input, now);
    let once = once
        .map(|once| once.made_by(caller, now, &answer))
        .transpose()?;
    let inserted = match caller.owner() {
        Owner::OfSession(guard) => app.todos.insert_guarded(&todo, guard),
        Owner::User(_) => app.todos.insert(&todo, once.as_ref()),
    };
    match inserted {
        Ok(()) => Ok(Done::Now(todo)),
        Err(InsertTodoError::OwnerMissing) => Err(CreateTodoError::CallerMissing),
        Err(InsertTodoError::IdempotencyConflict(IdempotencyConflict::Repeated(answer))) => {
            Ok(Done::Before(answer))
        }
        Err(InsertTodoError::IdempotencyConflict(IdempotencyConflict::KeyReused)) => {
            Err(CreateTodoError::KeyReused)
        }
        Err(InsertTodoError::IdempotencyConflict(IdempotencyConflict::UnderWay)) => {
            Err(CreateTodoError::UnderWay)
        }
        Err(InsertTodoError::Storage(error)) => Err(CreateTodoError::Service(error.into())),
        Err(error) => Err(CreateTodoError::Service(ServiceError::Internal(
            error.into(),
        ))),
    }
}

#[cfg(test)]
mod tests {
    use todo_domain::IdempotencyKey;

    use super::*;
    use crate::testing::{Mocks, caller, new_todo, now, todo, todo_id, unavailable};

    fn mocks() -> Mocks {
        let mut mocks = Mocks::at_now();
        mocks.ids.expect_todo().return_const(todo_id(1));
        mocks
    }

    fn refusing(error: impl Fn() -> InsertTodoError + Send + 'static) -> Mocks {
        let mut mocks = mocks();
        mocks
            .todos
            .expect_insert()
            .returning(move |_, _| Err(error()));
        mocks
    }

    fn create(
        mocks: Mocks,
        once: Option<IdempotentRequest>,
    ) -> Result<Done<Todo>, CreateTodoError> {
        create_todo(&mocks.app(), &caller(), new_todo(), once, |todo| {
            Ok(format!("created {}", todo.id))
        })
    }

    fn once() -> IdempotentRequest {
        IdempotentRequest {
            key: IdempotencyKey::new("key").unwrap(),
            request: "request".to_owned(),
        }
    }

    #[test]
    fn the_caller_owns_what_is_created() {
        let mut mocks = mocks();
        mocks
            .todos
            .expect_insert()
            .withf(|stored, once| *stored == todo() && once.is_none())
            .once()
            .returning(|_, _| Ok(()));
        assert_eq!(create(mocks, None).unwrap(), Done::Now(todo()));
        assert_eq!(todo().owner, caller().claimed_user_id());
    }

    #[test]
    fn a_request_with_a_key_is_kept_with_its_answer() {
        let mut mocks = mocks();
        mocks
            .todos
            .expect_insert()
            .withf(|stored, kept| {
                let kept = kept.unwrap();
                kept.user_id == caller().claimed_user_id()
                    && kept.key == once().key
                    && kept.request == once().request
                    && kept.now == now()
                    && (kept.answer)(stored).unwrap() == format!("created {}", stored.id)
            })
            .once()
            .returning(|_, _| Ok(()));
        assert_eq!(create(mocks, Some(once())).unwrap(), Done::Now(todo()));
    }

    #[test]
    fn a_request_that_was_made_before_gets_its_answer_again() {
        let mocks = refusing(|| IdempotencyConflict::Repeated("as before".to_owned()).into());
        let created = create(mocks, Some(once())).unwrap();
        assert_eq!(created, Done::Before("as before".to_owned()));
    }

    #[test]
    fn a_key_that_is_taken_is_said_to_be() {
        let reused = create(
            refusing(|| IdempotencyConflict::KeyReused.into()),
            Some(once()),
        );
        assert!(matches!(reused, Err(CreateTodoError::KeyReused)));
        let under_way = create(
            refusing(|| IdempotencyConflict::UnderWay.into()),
            Some(once()),
        );
        assert!(matches!(under_way, Err(CreateTodoError::UnderWay)));
    }

    #[test]
    fn a_caller_deleted_meanwhile_is_said_to_be_gone() {
        let created = create(refusing(|| InsertTodoError::OwnerMissing), None);
        assert!(matches!(created, Err(CreateTodoError::CallerMissing)));
    }

    #[test]
    fn a_storage_that_is_away_is_a_failure() {
        let created = create(refusing(|| unavailable().into()), None);
        assert!(matches!(
            created,
            Err(CreateTodoError::Service(ServiceError::Unavailable(_)))
        ));
    }
}
