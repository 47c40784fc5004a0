//! Problems of todos.

use todo_application::todo::{
    ApplyTodosError, CreateTodoError, DeleteTodoError, GetTodoError, ListTodosError,
    UpdateTodoError,
};

use super::{invalid_token, key_reused, precondition_failed, task_not_found, under_way};
use crate::problem::Problem;

impl From<CreateTodoError> for Problem {
    fn from(error: CreateTodoError) -> Self {
        match error {
            CreateTodoError::CallerMissing => invalid_token(),
            CreateTodoError::KeyReused => key_reused(),
            CreateTodoError::UnderWay => under_way(),
            CreateTodoError::Service(failure) => failure.into(),
        }
    }
}

impl From<ApplyTodosError> for Problem {
    fn from(error: ApplyTodosError) -> Self {
        match error {
            ApplyTodosError::CallerMissing => invalid_token(),
            ApplyTodosError::NotFound { index } => {
                task_not_found().about(&format!("operations[{index}].id"))
            }
            ApplyTodosError::KeyReused => key_reused(),
            ApplyTodosError::UnderWay => under_way(),
            ApplyTodosError::Service(failure) => failure.into(),
        }
    }
}

impl From<GetTodoError> for Problem {
    fn from(error: GetTodoError) -> Self {
        match error {
            GetTodoError::NotFound => task_not_found(),
            GetTodoError::Service(failure) => failure.into(),
        }
    }
}

impl From<ListTodosError> for Problem {
    fn from(error: ListTodosError) -> Self {
        match error {
            ListTodosError::Service(failure) => failure.into(),
        }
    }
}

impl From<UpdateTodoError> for Problem {
    fn from(error: UpdateTodoError) -> Self {
        match error {
            UpdateTodoError::NotFound => task_not_found(),
            UpdateTodoError::PreconditionFailed => precondition_failed(),
            UpdateTodoError::Service(failure) => failure.into(),
        }
    }
}

impl From<DeleteTodoError> for Problem {
    fn from(error: DeleteTodoError) -> Self {
        match error {
            DeleteTodoError::NotFound => task_not_found(),
            DeleteTodoError::PreconditionFailed => precondition_failed(),
            DeleteTodoError::Service(failure) => failure.into(),
        }
    }
}
