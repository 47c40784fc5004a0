//! Creating a task.

use std::str::FromStr;

use serde::Deserialize;
use serde_json::Value;
use todo_application::todo::{Done, create_todo};
use todo_domain::{Description, Due, NewTodo, Priority, Scope, Tag, Tags, Title, Todo};
use utoipa::ToSchema;

use crate::{
    etag,
    fields::{Fields, array, text},
    problem::{Problem, ProblemBody},
    reply::Reply,
    request::Request,
    routes::TASKS,
    wire::{DueText, PriorityName, TagText, TaskResponse},
};

/// A new task.
#[derive(ToSchema)]
#[schema(as = CreateTask)]
#[expect(dead_code, reason = "it describes what `read_new` reads")]
pub(crate) struct CreateTaskBody {
    /// Title; leading and trailing white space is removed.
    #[schema(
        min_length = 1,
        max_length = 255,
        pattern = r"\S",
        example = "Buy milk"
    )]
    title: String,
    /// Description; leading and trailing white space is removed.
    #[schema(max_length = 2000, example = "Two litres")]
    description: Option<String>,
    /// Priority; `medium` by default.
    #[schema(inline = false)]
    priority: Option<PriorityName>,
    /// Due date: a date, or an instant with its offset.
    #[schema(example = "2026-12-05")]
    due_date: Option<DueText>,
    /// Up to 20 tags of 1 to 50 characters. They are trimmed and converted to lower case; duplicates are removed.
    #[schema(example = json!(["home"]))]
    tags: Option<Vec<TagText>>,
}

/// Reads the fields of a new task.
pub(super) fn read_new(fields: &mut Fields) -> Option<NewTodo> {
    let title = fields.required("title", text(Title::new));
    let description = fields.optional("description", text(Description::new));
    let priority = fields.optional("priority", text(Priority::from_str));
    let due = fields.optional("due_date", text(Due::from_str));
    let tags = fields.optional("tags", tags);
    Some(NewTodo {
        title: title?,
        description: description?,
        priority: priority?.unwrap_or_default(),
        due: due?,
        tags: tags?.unwrap_or_default(),
    })
}

/// Reads an array of tags.
pub(super) fn tags(value: Value) -> Result<Tags, String> {
    Tags::new(array(text(Tag::new))(value)?).map_err(|error| error.to_string())
}

/// Create a task
#[utoipa::path(post, path = "/api/tasks", operation_id = "createTask", tag = "tasks",
    security(("token" = []), ("personal_access_token" = ["tasks:write"])),
    params(("Idempotency-Key" = Option<String>, Header,
        description = "Key of the request. A repetition within 24 hours creates no further task and returns the first response")),
    request_body = CreateTaskBody,
    responses(
        (status = 201, description = "The new task", body = TaskResponse,
            headers(("Location" = String, description = "URL of the task"))),
        (status = 409, description = "A quota would be exceeded (`quota_exceeded`), or a request with the same `Idempotency-Key` is in progress", body = ProblemBody,
            content_type = "application/problem+json"),
    ))]
pub(crate) async fn create(request: Request) -> Result<Reply, Problem> {
    request
        .for_caller(Scope::WriteTodos, |app, caller, input| {
            let (new, once) = input.body_once(read_new)?;
            let body = |todo: &Todo| Ok(serde_json::to_string(&TaskResponse::from(todo))?);
            match create_todo(app, caller, new, once, body)? {
                Done::Now(todo) => Ok(Reply::created(&TaskResponse::from(&todo))?
                    .at(format!("{TASKS}/{}", todo.id))
                    .with_etag(etag::of_task(&todo))),
                Done::Before(body) => again(body),
            }
        })
        .await
}

/// The stored response of an idempotent request.
fn again(body: String) -> Result<Reply, Problem> {
    #[derive(Deserialize)]
    struct Head {
        id: String,
        version: u64,
    }
    let Head { id, version } =
        serde_json::from_str(&body).map_err(|error| Problem::internal().caused_by(error))?;
    Ok(Reply::created_before(body)
        .at(format!("{TASKS}/{id}"))
        .with_etag(etag::of_version(version)))
}
