//! Creating a task.

use serde::Deserialize;
use todo_api_types::{
    problem::{Problem, ProblemBody},
    tasks::new_task::{CreateTaskBody, read_new_task},
    wire::TaskResponse,
};
use todo_application::todo::{Done, create_todo};
use todo_domain::{Scope, Todo};

use crate::{
    etag,
    reply::Reply,
    request::{Request, Response},
    routes::TASKS,
};

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
pub(crate) async fn create(request: Request) -> Response {
    request
        .for_caller(
            Scope::WriteTodos,
            |input| input.body_once(read_new_task),
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
