//! Searching tasks.

use todo_application::todo::{ListTodos, list_todos};
use todo_domain::{SearchText, TodoFilter};
use utoipa::IntoParams;

use super::list::{PageQuery, Status, TaskListResponse, read_page, read_status};
use crate::{
    fields::{Fields, text},
    problem::Problem,
    reply::Reply,
    request::Request,
};

/// Which tasks are searched for.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it describes what `read` reads")]
pub(crate) struct SearchQuery {
    /// What the title or the description contains, in upper or lower case.
    #[param(min_length = 1, max_length = 255)]
    q: String,
    /// Only those that are `pending`, or only those that are `completed`; `all` is as good as nothing.
    #[param(inline)]
    status: Option<Status>,
}

fn read(fields: &mut Fields) -> Option<ListTodos> {
    let text = fields.required("q", text(SearchText::new));
    let completed = read_status(fields);
    let page = read_page(fields);
    let (page, with_total) = page?;
    Some(ListTodos {
        filter: TodoFilter {
            completed: completed?,
            text: Some(text?),
        },
        page,
        with_total,
    })
}

/// Search tasks
///
/// Newest first.
#[utoipa::path(get, path = "/api/tasks/search", operation_id = "searchTasks", tag = "tasks",
    params(SearchQuery, PageQuery),
    responses(
        (status = 200, description = "The tasks", body = TaskListResponse),
    ))]
pub(crate) async fn search(request: Request) -> Result<Reply, Problem> {
    request
        .for_caller(|app, caller, input| {
            let list = list_todos(app, caller, &input.query(read)?)?;
            Reply::ok(&TaskListResponse::from(&list))
        })
        .await
}
