//! Wire types of todos, called tasks on the wire, and of users.

use std::borrow::Cow;

use serde::{Serialize, Serializer};
use todo_domain::{DisplayName, Due, Priority, Tag, Timestamp, Todo, User};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr, Schema,
        schema::{KnownFormat, ObjectBuilder, OneOfBuilder, SchemaFormat, Type},
    },
};

/// A task.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Task)]
pub struct TaskResponse<'a> {
    /// Id of the task; never changes.
    #[serde(serialize_with = "as_text")]
    #[schema(value_type = uuid::Uuid)]
    id: todo_domain::TodoId,
    /// Id of the owner.
    #[serde(serialize_with = "as_text")]
    #[schema(value_type = uuid::Uuid)]
    user_id: todo_domain::UserId,
    /// Title.
    #[schema(min_length = 1, max_length = 255, example = "Buy milk")]
    title: &'a str,
    /// Description.
    #[schema(required, max_length = 2000, example = "Two litres")]
    description: Option<&'a str>,
    /// Whether the task is completed.
    completed: bool,
    /// Completion time; null while the task is pending.
    #[serde(serialize_with = "as_text_or_null")]
    #[schema(required, value_type = Option<String>, format = DateTime, example = "2026-12-01T09:30:00.000000Z")]
    completed_at: Option<Timestamp>,
    /// Priority.
    #[serde(serialize_with = "as_text")]
    #[schema(value_type = PriorityName)]
    priority: Priority,
    /// Due date: a date, or an instant with its original offset.
    #[serde(serialize_with = "as_text_or_null")]
    #[schema(required, value_type = Option<String>, example = "2026-12-05")]
    due_date: Option<Due>,
    /// Tags, in lower case.
    #[schema(max_items = 20, example = json!(["home"]))]
    tags: Vec<&'a str>,
    /// Creation time, in UTC with microseconds.
    #[serde(serialize_with = "as_text")]
    #[schema(value_type = String, format = DateTime, example = "2026-12-01T09:30:00.000000Z")]
    created_at: Timestamp,
    /// Time of the last change.
    #[serde(serialize_with = "as_text")]
    #[schema(value_type = String, format = DateTime, example = "2026-12-01T09:30:00.000000Z")]
    updated_at: Timestamp,
    /// Number of times the task was written; also its `ETag`.
    #[schema(minimum = 1, example = 1)]
    version: u64,
}

/// Priority of a task.
#[derive(Debug, ToSchema)]
#[schema(as = Priority, rename_all = "lowercase")]
#[expect(missing_docs, reason = "it describes what a priority is on the wire")]
pub enum PriorityName {
    Low,
    Medium,
    High,
}

/// Due date: a date, or an instant with its offset.
#[derive(Debug)]
pub struct DueText;

impl PartialSchema for DueText {
    fn schema() -> RefOr<Schema> {
        let text = |format| {
            ObjectBuilder::new()
                .schema_type(Type::String)
                .format(Some(SchemaFormat::KnownFormat(format)))
        };
        OneOfBuilder::new()
            .item(text(KnownFormat::Date))
            .item(text(KnownFormat::DateTime))
            .examples(["2026-12-05"])
            .into()
    }
}

impl ToSchema for DueText {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("DueDate")
    }
}

/// A tag.
#[derive(Debug, ToSchema)]
#[schema(as = Tag, min_length = 1, max_length = 50, pattern = r"\S")]
#[expect(dead_code, reason = "it describes what a tag is on the wire")]
pub struct TagText(String);

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
            completed: todo.is_completed(),
            completed_at: todo.completed_at,
            priority: todo.priority,
            due_date: todo.due,
            tags: todo.tags.iter().map(Tag::as_str).collect(),
            created_at: todo.created_at,
            updated_at: todo.updated_at,
            version: todo.version,
        }
    }
}

/// A user.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = User)]
pub struct UserResponse<'a> {
    /// Id of the user; never changes.
    #[serde(serialize_with = "as_text")]
    #[schema(value_type = uuid::Uuid)]
    id: todo_domain::UserId,
    /// E-mail address, in lower case.
    #[schema(format = Email, example = "ada@example.com")]
    email: &'a str,
    /// Display name; null for some accounts of another backend.
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

/// Writes a value as its `Display` text.
///
/// # Errors
/// That of the serializer.
pub fn as_text<T: std::fmt::Display, S: Serializer>(
    value: &T,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

/// Writes a value as [`as_text`] does, and `None` as null.
///
/// # Errors
/// That of the serializer.
pub fn as_text_or_null<T: std::fmt::Display, S: Serializer>(
    value: &Option<T>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => serializer.collect_str(value),
        None => serializer.serialize_none(),
    }
}
