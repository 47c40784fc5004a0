//! Listing tasks.

use todo_api_types::{
    cursor,
    fields::Fields,
    problem::Problem,
    tasks::{
        list_query::{ListQuery, PageQuery, WantedList, read_list},
        task_list::TaskListResponse,
    },
};
use todo_application::{App, Caller, todo::list_todos};
use todo_domain::Scope;
use utoipa::IntoResponses;

use crate::{
    etag::{self, IfNoneMatch},
    input::{Input, PageUri},
    reply::Reply,
    request::{Request, Response},
};

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
pub(crate) async fn list(request: Request) -> Response {
    let read = |input: &Input| ListRequest::read(input, read_list);
    if request.is_search() {
        request
            .for_caller_in_bulk(Scope::ReadTodos, read, answer)
            .await
    } else {
        request.for_caller(Scope::ReadTodos, read, answer).await
    }
}

/// A request for a page of tasks.
pub(super) struct ListRequest {
    wanted: WantedList,
    uri: PageUri,
    if_none_match: IfNoneMatch,
}

impl ListRequest {
    /// Reads the query with `reader`, and the headers.
    pub(super) fn read(
        input: &Input,
        reader: impl FnOnce(&mut Fields) -> Option<WantedList>,
    ) -> Result<Self, Problem> {
        Ok(Self {
            wanted: input.query(reader)?,
            uri: input.page_uri()?,
            if_none_match: input.if_none_match()?,
        })
    }
}

/// Lists the tasks that are wanted.
pub(super) fn answer(app: &App, caller: &Caller, request: &ListRequest) -> Result<Reply, Problem> {
    let WantedList { input, identity } = &request.wanted;
    let list = list_todos(app, caller, input.clone())?;
    let next_cursor = list
        .next
        .as_ref()
        .map(|position| cursor::write(*identity, position));
    let reply = Reply::ok(&TaskListResponse::new(&list, next_cursor.as_deref()))?;
    let reply = match next_cursor {
        Some(cursor) => reply.with_next(&request.uri.with_cursor(&cursor)),
        None => reply,
    };
    let etag = etag::of_bytes(reply.body());
    Ok(request.if_none_match.apply(reply, etag))
}
