//! Changing a task, by PUT and by PATCH.

use todo_application::todo::update_todo;
use todo_domain::{Change, CompletionChange, Description, Title, TodoChange};
use utoipa::ToSchema;

use crate::{
    fields::{Fields, boolean, text},
    problem::{Problem, ProblemBody},
    reply::Reply,
    request::{Input, Request},
    wire::TaskResponse,
};

/// A change to a task: what is absent stays as it is.
#[derive(ToSchema)]
#[schema(as = UpdateTask)]
#[expect(dead_code, reason = "it describes what `read` reads")]
pub(crate) struct UpdateTaskBody {
    /// What is to be done; it is trimmed.
    #[schema(
        min_length = 1,
        max_length = 255,
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
}

fn read(fields: &mut Fields) -> Option<TodoChange> {
    let title = fields.change("title", text(Title::new));
    let description = fields.nullable_change("description", text(Description::new));
    let completed = fields.change("completed", boolean);
    Some(TodoChange {
        title: title?,
        description: description?,
        completion: match completed? {
            Change::Keep => CompletionChange::Keep,
            Change::To(completed) => CompletionChange::To(completed),
        },
    })
}

/// Change a task
///
/// What is absent stays as it is.
#[utoipa::path(put, path = "/api/tasks/{id}", operation_id = "updateTask", tag = "tasks",
    params(("id" = uuid::Uuid, Path, description = "The id of the task")),
    request_body = UpdateTaskBody,
    responses(
        (status = 200, description = "The task as it is now", body = TaskResponse),
        (status = 404, description = "The caller has no such task", body = ProblemBody,
            content_type = "application/problem+json"),
    ))]
pub(crate) async fn put(request: Request) -> Result<Reply, Problem> {
    update(request, |input| input.body(read)).await
}

/// Change a task by a JSON merge patch
///
/// RFC 7396.
#[utoipa::path(patch, path = "/api/tasks/{id}", operation_id = "patchTask", tag = "tasks",
    params(("id" = uuid::Uuid, Path, description = "The id of the task")),
    request_body(content(
        (UpdateTaskBody = "application/merge-patch+json"),
        (UpdateTaskBody = "application/json"),
    )),
    responses(
        (status = 200, description = "The task as it is now", body = TaskResponse),
        (status = 404, description = "The caller has no such task", body = ProblemBody,
            content_type = "application/problem+json"),
    ))]
pub(crate) async fn patch(request: Request) -> Result<Reply, Problem> {
    update(request, |input| input.merge_patch(read)).await
}

async fn update(
    request: Request,
    change: impl FnOnce(&Input) -> Result<TodoChange, Problem> + Send + 'static,
) -> Result<Reply, Problem> {
    request
        .for_caller(|app, caller, input| {
            let id = input.todo_id()?;
            let todo = update_todo(app, caller, id, &change(input)?)?;
            Reply::ok(&TaskResponse::from(&todo))
        })
        .await
}
