//! What todos and users look like on the wire, where a todo is called a task.

use serde::{Serialize, Serializer};
use todo_domain::{DisplayName, Timestamp, Todo, User};
use utoipa::ToSchema;

/// A task.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Task)]
pub(crate) struct TaskResponse<'a> {
    /// Identifies the task for ever.
    #[serde(serialize_with = "as_text")]
    #[schema(value_type = uuid::Uuid)]
    id: todo_domain::TodoId,
    /// Its owner.
    #[serde(serialize_with = "as_text")]
    #[schema(value_type = uuid::Uuid)]
    user_id: todo_domain::UserId,
    /// What is to be done.
    #[schema(min_length = 1, max_length = 255, example = "Buy milk")]
    title: &'a str,
    /// More about it.
    #[schema(required, max_length = 2000, example = "Two litres")]
    description: Option<&'a str>,
    /// Whether it is done.
    completed: bool,
    /// When it was created, in UTC and to the microsecond.
    #[serde(serialize_with = "as_text")]
    #[schema(value_type = String, format = DateTime, example = "2026-12-01T09:30:00.000000Z")]
    created_at: Timestamp,
    /// When it last changed.
    #[serde(serialize_with = "as_text")]
    #[schema(value_type = String, format = DateTime, example = "2026-12-01T09:30:00.000000Z")]
    updated_at: Timestamp,
}

impl<'a> From<&'a Todo> for TaskResponse<'a> {
    fn from(todo: &'a Todo) -> Self {
        Self {
            id: todo.id,
            user_id: todo.owner,
            title: todo.title.as_str(),
            description: todo
                .description
                .as_ref()
                .map(todo_domain::Description::as_str),
            completed: todo.completed,
            created_at: todo.created_at,
            updated_at: todo.updated_at,
        }
    }
}

/// Someone with an account.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = User)]
pub(crate) struct UserResponse<'a> {
    /// Identifies the user for ever.
    #[serde(serialize_with = "as_text")]
    #[schema(value_type = uuid::Uuid)]
    id: todo_domain::UserId,
    /// What the user logs in with, in lower case.
    #[schema(format = Email, example = "ada@example.com")]
    email: &'a str,
    /// What the user wants to be called; null for some accounts that were made elsewhere.
    #[schema(required, example = "Ada Lovelace")]
    name: Option<&'a str>,
}

impl<'a> From<&'a User> for UserResponse<'a> {
    fn from(user: &'a User) -> Self {
        Self {
            id: user.id,
            email: user.email.as_str(),
            name: user.name.as_ref().map(DisplayName::as_str),
        }
    }
}

fn as_text<T: std::fmt::Display, S: Serializer>(
    value: &T,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}
