//! Creating a task.

use todo_application::todo::create_todo;
use todo_domain::{Description, NewTodo, Title};
use utoipa::ToSchema;

use crate::{
    fields::{Fields, text},
    problem::Problem,
    reply::Reply,
    request::Request,
    routes::TASKS,
    wire::TaskResponse,
};

/// A task to be created.
#[derive(ToSchema)]
#[schema(as = CreateTask)]
#[expect(dead_code, reason = "it describes what `read` reads")]
pub(crate) struct CreateTaskBody {
    /// What is to be done; it is trimmed.
    #[schema(min_length = 1, max_length = 255, example = "Buy milk")]
    title: String,
    /// More about it; it is trimmed.
    #[schema(max_length = 2000, example = "Two litres")]
    description: Option<String>,
}

fn read(fields: &mut Fields) -> Option<NewTodo> {
    let title = fields.required("title", text(Title::new));
    let description = fields.optional("description", text(Description::new));
    Some(NewTodo {
        title: title?,
        description: description?,
    })
}

/// Create a task
#[utoipa::path(post, path = "/api/tasks", operation_id = "createTask", tag = "tasks",
    request_body = CreateTaskBody,
    responses(
        (status = 201, description = "The task", body = TaskResponse,
            headers(("Location" = String, description = "Where the task is"))),
    ))]
pub(crate) async fn create(request: Request) -> Result<Reply, Problem> {
    request
        .for_caller(|app, caller, input| {
            let todo = create_todo(app, caller, input.body(read)?)?;
            let location = format!("{TASKS}/{}", todo.id);
            Ok(Reply::created(&TaskResponse::from(&todo))?.at(location))
        })
        .await
}
