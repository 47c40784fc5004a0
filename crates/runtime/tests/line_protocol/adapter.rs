//! An inbound adapter for tests: a line for each request, `TOKEN list QUERY` or `TOKEN create JSON`, over a socket. The
//! response is a line, too: `OK JSON`, or `ERROR STATUS CODE DETAIL`.

use std::{
    io::{self, BufRead, BufReader, Write},
    os::unix::net::UnixStream,
    sync::Arc,
};

use http::StatusCode;
use todo_api_types::{
    fields::Fields,
    json::parse_object,
    problem::Problem,
    query::parse_query,
    tasks::{list_query::read_list, new_task::read_new_task, task_list::TaskListResponse},
    wire::TaskResponse,
};
use todo_application::{
    account::Credential,
    todo::{Done, create_todo, list_todos},
};
use todo_domain::{Client, Scope};
use todo_runtime::{Call, Parsed, Runtime, Trace};
use tokio::runtime::Builder;

const JSON: &str = "application/json";

/// Serves one client until it closes the socket.
pub(crate) fn serve(socket: UnixStream, runtime: &Arc<Runtime>) -> io::Result<()> {
    let executor = Builder::new_current_thread().enable_time().build()?;
    let mut responses = socket.try_clone()?;
    for (number, line) in BufReader::new(socket).lines().enumerate() {
        let response = executor.block_on(respond(runtime, &number.to_string(), &line?));
        let text = match response {
            Ok(json) => format!("OK {json}\n"),
            Err(problem) => format!("ERROR {} {} {problem}\n", problem.status(), problem.code()),
        };
        responses.write_all(text.as_bytes())?;
    }
    Ok(())
}

async fn respond(runtime: &Arc<Runtime>, id: &str, line: &str) -> Result<String, Problem> {
    let mut words = line.splitn(3, ' ');
    let mut word = || words.next().unwrap_or_default();
    let (token, operation, input) = (word(), word(), word());
    let trace = Trace::begin(&runtime.tracer, "line", None, id);
    let call = Call::new(Arc::clone(runtime), trace, Client::default());
    let credential = Credential::parse(token);
    match operation {
        "list" => {
            let read = parse_query(input).and_then(|fields| Fields::read(fields, read_list));
            call.for_caller(
                "list",
                credential,
                Scope::ReadTodos,
                Parsed::new(None, read),
                |app, caller, wanted| {
                    let list = list_todos(app, caller, wanted.input.clone())?;
                    json(&TaskListResponse::new(&list, None))
                },
            )
            .await
        }
        "create" => {
            let read = parse_object(input.as_bytes(), Some(JSON), &[JSON])
                .and_then(|fields| Fields::read(fields, read_new_task));
            call.for_caller(
                "create",
                credential,
                Scope::WriteTodos,
                Parsed::new(None, read),
                |app, caller, new| {
                    let never = |_: &_| Ok(String::new());
                    match create_todo(app, caller, new.clone(), None, never)? {
                        Done::Now(todo) => json(&TaskResponse::from(&todo)),
                        Done::Before(body) => Ok(body),
                    }
                },
            )
            .await
        }
        _ => Err(Problem::of_status(StatusCode::NOT_FOUND, None)),
    }
}

fn json(value: &impl serde::Serialize) -> Result<String, Problem> {
    serde_json::to_string(value).map_err(|error| Problem::internal().caused_by(error))
}
