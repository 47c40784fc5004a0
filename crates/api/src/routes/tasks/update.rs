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

/// A change to a task: what is absent stays as it is.
#[derive(ToSchema)]
#[schema(as = UpdateTask)]
#[expect(dead_code, reason = "it describes what `read_change` reads")]
pub(crate) struct UpdateTaskBody {
    /// What is to be done; it is trimmed.
    #[schema(
        min_length = 1,
        max_length = 255,
        pattern = r"\S",
        example = "Buy oat milk",
        nullable = false
    )]
    title: Option<String>,
    /// More about it; it is trimmed, and null clears it.
    #[schema(max_length = 2000, example = "Two litres")]
    description: Option<String>,
    /// Whether it is done.
    #[schema(nullable = false)]
    completed: Option<bool>,
    /// The same in other words; it must not contradict `completed`.
    #[schema(nullable = false)]
    status: Option<DoneStatus>,
    /// How much it matters.
    #[schema(nullable = false)]
    priority: Option<PriorityName>,
    /// When it is to be done: a date, or an instant with its offset; null clears it.
    #[schema(example = "2026-12-05")]
    due_date: Option<DueText>,
    /// Up to 20 words of 1 to 50 characters, in place of those that it has; null is as good as none.
    #[schema(example = json!(["home"]))]
    tags: Option<Vec<TagText>>,
}

/// Whether a task is done.
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

/// Change a task
///
/// What is absent stays as it is.
#[utoipa::path(put, path = "/api/tasks/{id}", operation_id = "updateTask", tag = "tasks",
    security(("token" = []), ("personal_access_token" = ["tasks:write"])),
    params(
        ("id" = uuid::Uuid, Path, description = "The id of the task"),
        ("If-Match" = Option<String>, Header, description = "Entity tags of which the task must have one"),
    ),
    request_body = UpdateTaskBody,
    responses(
        (status = 200, description = "The task as it is now", body = TaskResponse),
        (status = 404, description = "The caller has no such task", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 409, description = "The texts would exceed a quota (`quota_exceeded`)", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 412, description = "The task is of none of the versions that `If-Match` names", body = ProblemBody,
            content_type = "application/problem+json"),
    ))]
pub(crate) async fn put(request: Request) -> Result<Reply, Problem> {
    update(request, |input| input.body(read_change)).await
}

/// Change a task by a JSON merge patch
///
/// RFC 7396.
#[utoipa::path(patch, path = "/api/tasks/{id}", operation_id = "patchTask", tag = "tasks",
    security(("token" = []), ("personal_access_token" = ["tasks:write"])),
    params(
        ("id" = uuid::Uuid, Path, description = "The id of the task"),
        ("If-Match" = Option<String>, Header, description = "Entity tags of which the task must have one"),
    ),
    request_body(content(
        (UpdateTaskBody = "application/merge-patch+json"),
        (UpdateTaskBody = "application/json"),
    )),
    responses(
        (status = 200, description = "The task as it is now", body = TaskResponse),
        (status = 404, description = "The caller has no such task", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 409, description = "The texts would exceed a quota (`quota_exceeded`)", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 412, description = "The task is of none of the versions that `If-Match` names", body = ProblemBody,
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
