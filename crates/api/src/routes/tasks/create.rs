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

/// A task to be created.
#[derive(ToSchema)]
#[schema(as = CreateTask)]
#[expect(dead_code, reason = "it describes what `read_new` reads")]
pub(crate) struct CreateTaskBody {
    /// What is to be done; it is trimmed.
    #[schema(
        min_length = 1,
        max_length = 255,
        pattern = r"\S",
        example = "Buy milk"
    )]
    title: String,
    /// More about it; it is trimmed.
    #[schema(max_length = 2000, example = "Two litres")]
    description: Option<String>,
    /// How much it matters; `medium` where it is absent.
    #[schema(inline = false)]
    priority: Option<PriorityName>,
    /// When it is to be done: a date, or an instant with its offset.
    #[schema(example = "2026-12-05")]
    due_date: Option<DueText>,
    /// Up to 20 words of 1 to 50 characters; they are trimmed and put in lower case, and repeated ones count once.
    #[schema(example = json!(["home"]))]
    tags: Option<Vec<TagText>>,
}

/// Reads what a new task is made of.
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
        description = "Makes the task once, however often the request is repeated within 24 hours")),
    request_body = CreateTaskBody,
    responses(
        (status = 201, description = "The task", body = TaskResponse,
            headers(("Location" = String, description = "Where the task is"))),
        (status = 409, description = "A quota would be exceeded (`quota_exceeded`), or the same request, by its `Idempotency-Key`, is under way", body = ProblemBody,
            content_type = "application/problem+json"),
    ))]
pub(crate) async fn create(request: Request) -> Result<Reply, Problem> {
    request
        .for_caller(
            Scope::WriteTodos,
            |input| input.body_once(read_new),
            |app, caller, (new, once)| {
                let body = |todo: &Todo| Ok(serde_json::to_string(&TaskResponse::from(todo))?);
                match create_todo(app, caller, new.clone(), once.clone(), body)? {
                    Done::Now(todo) => Ok(Reply::created(&TaskResponse::from(&todo))?
                        .at(format!("{TASKS}/{}", todo.id))
                        .with_etag(etag::of_task(&todo))),
                    Done::Before(body) => again(body),
                }
            },
        )
        .await
}

/// The answer to a request that was made before.
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
