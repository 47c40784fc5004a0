//! Changing a task, by PUT and by PATCH.

use std::str::FromStr;

use todo_application::todo::update_todo;
use todo_domain::{Change, CompletionChange, Description, Due, Priority, Scope, Title, TodoChange};
use utoipa::ToSchema;

use super::create::tags;
use crate::{
    etag,
    fields::{Fields, boolean, text},
    input::Input,
    problem::{Problem, ProblemBody},
    reply::Reply,
    request::Request,
    wire::{DueText, PriorityName, TagText, TaskResponse},
};

/// A change of a task; absent fields are not changed.
#[derive(ToSchema)]
#[schema(as = UpdateTask)]
#[expect(dead_code, reason = "it describes what `read_change` reads")]
pub(crate) struct UpdateTaskBody {
    /// Title; leading and trailing white space is removed.
    #[schema(
        min_length = 1,
        max_length = 255,
        pattern = r"\S",
        example = "Buy oat milk",
        nullable = false
    )]
    title: Option<String>,
    /// Description; leading and trailing white space is removed, and null clears it.
    #[schema(max_length = 2000, example = "Two litres")]
    description: Option<String>,
    /// Whether the task is completed.
    #[schema(nullable = false)]
    completed: Option<bool>,
    /// Alternative to `completed`, which it must not contradict.
    #[schema(nullable = false)]
    status: Option<DoneStatus>,
    /// Priority.
    #[schema(nullable = false)]
    priority: Option<PriorityName>,
    /// Due date: a date, or an instant with its offset; null clears it.
    #[schema(example = "2026-12-05")]
    due_date: Option<DueText>,
    /// Up to 20 tags of 1 to 50 characters, which replace the present ones; null clears them.
    #[schema(example = json!(["home"]))]
    tags: Option<Vec<TagText>>,
}

/// Completion of a task.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(dead_code, reason = "it describes what `is_completed` reads")]
pub(crate) enum DoneStatus {
    Pending,
    Completed,
}

/// Reads a change to a task.
pub(super) fn read_change(fields: &mut Fields) -> Option<TodoChange> {
    let title = fields.change("title", text(Title::new));
    let description = fields.nullable_change("description", text(Description::new));
    let completion = read_completion(fields);
    let priority = fields.change("priority", text(Priority::from_str));
    let due = fields.nullable_change("due_date", text(Due::from_str));
    let tags = fields.nullable_change("tags", tags);
    Some(TodoChange {
        title: title?,
        description: description?,
        completion: completion?,
        priority: priority?,
        due: due?,
        tags: match tags? {
            Change::Keep => Change::Keep,
            Change::To(tags) => Change::To(tags.unwrap_or_default()),
        },
    })
}

/// Reads `completed` and `status`, which say the same.
fn read_completion(fields: &mut Fields) -> Option<CompletionChange> {
    let completed = fields.change("completed", boolean);
    let status = fields.change("status", text(is_completed));
    match (completed?, status?) {
        (Change::Keep, Change::Keep) => Some(CompletionChange::Keep),
        (Change::To(completed), Change::To(status)) if completed != status => {
            fields.contradiction("status", "must not contradict completed")
        }
        (Change::To(completed), _) | (Change::Keep, Change::To(completed)) => {
            Some(CompletionChange::To(completed))
        }
    }
}

fn is_completed(status: &str) -> Result<bool, &'static str> {
    match status {
        "pending" => Ok(false),
        "completed" => Ok(true),
        _ => Err("must be pending or completed"),
    }
}

/// Update a task
///
/// Absent fields are not changed.
#[utoipa::path(put, path = "/api/tasks/{id}", operation_id = "updateTask", tag = "tasks",
    security(("token" = []), ("personal_access_token" = ["tasks:write"])),
    params(
        ("id" = uuid::Uuid, Path, description = "The id of the task"),
        ("If-Match" = Option<String>, Header, description = "Entity tags, one of which must be that of the task"),
    ),
    request_body = UpdateTaskBody,
    responses(
        (status = 200, description = "The updated task", body = TaskResponse),
        (status = 404, description = "The task does not exist", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 409, description = "The texts would exceed a quota (`quota_exceeded`)", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 412, description = "The task has none of the versions in `If-Match`", body = ProblemBody,
            content_type = "application/problem+json"),
    ))]
pub(crate) async fn put(request: Request) -> Result<Reply, Problem> {
    update(request, |input| input.body(read_change)).await
}

/// Update a task by a JSON merge patch
///
/// RFC 7396.
#[utoipa::path(patch, path = "/api/tasks/{id}", operation_id = "patchTask", tag = "tasks",
    security(("token" = []), ("personal_access_token" = ["tasks:write"])),
    params(
        ("id" = uuid::Uuid, Path, description = "The id of the task"),
        ("If-Match" = Option<String>, Header, description = "Entity tags, one of which must be that of the task"),
    ),
    request_body(content(
        (UpdateTaskBody = "application/merge-patch+json"),
        (UpdateTaskBody = "application/json"),
    )),
    responses(
        (status = 200, description = "The updated task", body = TaskResponse),
        (status = 404, description = "The task does not exist", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 409, description = "The texts would exceed a quota (`quota_exceeded`)", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 412, description = "The task has none of the versions in `If-Match`", body = ProblemBody,
            content_type = "application/problem+json"),
    ))]
pub(crate) async fn patch(request: Request) -> Result<Reply, Problem> {
    update(request, |input| input.merge_patch(read_change)).await
}

async fn update(
    request: Request,
    read_body: impl FnOnce(&Input) -> Result<TodoChange, Problem>,
) -> Result<Reply, Problem> {
    request
        .for_caller(
            Scope::WriteTodos,
            |input| Ok((input.id()?, input.precondition()?, read_body(input)?)),
            |app, caller, (id, precondition, change)| {
                let todo = update_todo(app, caller, *id, precondition, change)?;
                Ok(Reply::ok(&TaskResponse::from(&todo))?.with_etag(etag::of_task(&todo)))
            },
        )
        .await
}
