//! Listing tasks.

use serde::Serialize;
use todo_application::todo::{ListTodos, TodoList, list_todos};
use todo_domain::{Page, PageLimit, TodoFilter};
use utoipa::{IntoParams, ToSchema};

use crate::{
    fields::{Fields, text},
    problem::Problem,
    reply::Reply,
    request::Request,
    wire::TaskResponse,
};

/// A page of tasks.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TaskList)]
pub(crate) struct TaskListResponse<'a> {
    /// The tasks of this page, newest first.
    tasks: Vec<TaskResponse<'a>>,
    /// How many tasks this page has.
    count: usize,
    /// How many tasks there are in all; there when this page shows it, or when it was asked for by `total` or `offset`.
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<u64>,
}

impl<'a> From<&'a TodoList> for TaskListResponse<'a> {
    fn from(list: &'a TodoList) -> Self {
        Self {
            tasks: list.todos.iter().map(TaskResponse::from).collect(),
            count: list.todos.len(),
            total: list.total,
        }
    }
}

/// Which tasks are wanted.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it describes what `read` reads")]
pub(crate) struct ListQuery {
    /// Only those that are `pending`, or only those that are `completed`; `all` is as good as nothing.
    #[param(inline)]
    status: Option<Status>,
}

/// Which part of the list is wanted.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it describes what `read_page` reads")]
pub(crate) struct PageQuery {
    /// The largest number of tasks.
    #[param(minimum = 1, maximum = 1000, default = 1000)]
    limit: Option<u16>,
    /// How many tasks come before the first.
    #[param(minimum = 0, default = 0)]
    offset: Option<u32>,
    /// Whether `total` is wanted even where it costs more.
    total: Option<bool>,
}

/// Whether a task is done.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(dead_code, reason = "it describes what `status` reads")]
pub(crate) enum Status {
    Pending,
    Completed,
    All,
}

fn read(fields: &mut Fields) -> Option<ListTodos> {
    let completed = read_status(fields);
    let page = read_page(fields);
    let (page, with_total) = page?;
    Some(ListTodos {
        filter: TodoFilter {
            completed: completed?,
            text: None,
        },
        page,
        with_total,
    })
}

/// Reads `status`; `Some(None)` is any.
pub(super) fn read_status(fields: &mut Fields) -> Option<Option<bool>> {
    fields.optional("status", text(status)).map(Option::flatten)
}

/// Reads which part of a list is wanted, and whether the total is.
pub(super) fn read_page(fields: &mut Fields) -> Option<(Page, bool)> {
    let limit = fields.optional("limit", text(limit));
    let offset = fields.optional("offset", text(offset));
    let total = fields.optional("total", text(boolean));
    let (limit, offset, total) = (limit?, offset?, total?);
    let page = Page {
        limit: limit.unwrap_or_default(),
        offset: offset.unwrap_or_default(),
    };
    Some((page, total.unwrap_or(offset.is_some())))
}

fn status(text: &str) -> Result<Option<bool>, &'static str> {
    match text {
        "pending" => Ok(Some(false)),
        "completed" => Ok(Some(true)),
        "all" => Ok(None),
        _ => Err("must be pending, completed or all"),
    }
}

fn limit(text: &str) -> Result<PageLimit, &'static str> {
    const MESSAGE: &str = "must be a whole number from 1 to 1000";
    text.parse()
        .ok()
        .and_then(|limit| PageLimit::new(limit).ok())
        .ok_or(MESSAGE)
}

fn offset(text: &str) -> Result<u32, &'static str> {
    text.parse()
        .ok()
        .ok_or("must be a whole number from 0 to 4294967295")
}

fn boolean(text: &str) -> Result<bool, &'static str> {
    text.parse().ok().ok_or("must be true or false")
}

/// List tasks
///
/// Newest first.
#[utoipa::path(get, path = "/api/tasks", operation_id = "listTasks", tag = "tasks",
    params(ListQuery, PageQuery),
    responses(
        (status = 200, description = "The tasks", body = TaskListResponse),
    ))]
pub(crate) async fn list(request: Request) -> Result<Reply, Problem> {
    request
        .for_caller(|app, caller, input| {
            let list = list_todos(app, caller, &input.query(read)?)?;
            Reply::ok(&TaskListResponse::from(&list))
        })
        .await
}
