//! Listing tasks.

use serde::Serialize;
use todo_application::{
    App, Caller,
    todo::{TodoList, list_todos},
};
use todo_domain::Scope;
use utoipa::{IntoResponses, ToSchema};

use super::query::{ListQuery, PageQuery, WantedList, read_list};
use crate::{
    cursor, etag, input::Input, problem::Problem, reply::Reply, request::Request,
    wire::TaskResponse,
};

/// A page of tasks.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TaskList)]
pub(crate) struct TaskListResponse<'a> {
    /// Tasks of this page.
    tasks: Vec<TaskResponse<'a>>,
    /// Number of tasks on this page.
    count: usize,
    /// Number of all matching tasks; present if this page shows it, or with `total` or `offset`.
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<u64>,
    /// `cursor` of the next page; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<&'a str>,
}

/// Response of lists and searches.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "it describes what `answer` gives")]
pub(crate) enum TaskListAnswers<'a> {
    /// The tasks
    #[response(status = 200, headers(
        ("ETag" = String, description = "Entity tag of the response"),
        ("Link" = String, description = "The next page, with `rel=\"next\"`"),
    ))]
    List(TaskListResponse<'a>),
    /// The client's copy is current
    #[response(status = 304)]
    NotModified,
}

impl<'a> TaskListResponse<'a> {
    fn new(list: &'a TodoList, next_cursor: Option<&'a str>) -> Self {
        Self {
            tasks: list.todos.iter().map(TaskResponse::from).collect(),
            count: list.todos.len(),
            total: list.total,
            next_cursor,
        }
    }
}

/// List tasks
///
/// Newest first by default.
#[utoipa::path(get, path = "/api/tasks", operation_id = "listTasks", tag = "tasks",
    security(("token" = []), ("personal_access_token" = ["tasks:read"])),
    params(
        ListQuery,
        PageQuery,
        ("If-None-Match" = Option<String>, Header, description = "Entity tags of the client's copies"),
    ),
    responses(TaskListAnswers))]
pub(crate) async fn list(request: Request) -> Result<Reply, Problem> {
    let work = |app: &App, caller: &Caller, input: &Input| {
        let wanted = input.query(read_list)?;
        answer(input, wanted, |input| Ok(list_todos(app, caller, input)?))
    };
    if request.is_search() {
        request.for_caller_in_bulk(Scope::ReadTodos, work).await
    } else {
        request.for_caller(Scope::ReadTodos, work).await
    }
}

/// Answers with the list that is wanted.
pub(super) fn answer(
    input: &Input,
    wanted: WantedList,
    list: impl FnOnce(todo_application::todo::ListTodos) -> Result<TodoList, Problem>,
) -> Result<Reply, Problem> {
    let identity = wanted.identity;
    let list = list(wanted.input)?;
    let next_cursor = list
        .next
        .as_ref()
        .map(|position| cursor::write(identity, position));
    let reply = Reply::ok(&TaskListResponse::new(&list, next_cursor.as_deref()))?;
    let reply = match next_cursor {
        Some(cursor) => reply.with_next(&input.uri_with_cursor(&cursor)?),
        None => reply,
    };
    let etag = etag::of_bytes(reply.body());
    input.unless_known(reply, etag)
}
