//! Many changes at once.

use todo_api_types::{
    problem::ProblemBody,
    tasks::batch::{BatchBody, BatchResponse, read_batch, require_valid},
};
use todo_application::todo::{Done, apply_todos};
use todo_domain::{Atomicity, OperationOutcome, Scope};

use crate::{
    reply::Reply,
    request::{Request, Response},
};

/// Change several tasks
///
/// Changes are atomic or independent. Errors number them from 0. An `Idempotency-Key` is stored only with a response of
/// status 200.
#[utoipa::path(post, path = "/api/tasks/batch", operation_id = "changeTasks", tag = "tasks",
    security(("token" = []), ("personal_access_token" = ["tasks:write"])),
    params(("Idempotency-Key" = Option<String>, Header,
        description = "Key of the request. A repetition within 24 hours changes nothing and returns the first response")),
    request_body = BatchBody,
    responses(
        (status = 200, description = "The result of each change", body = BatchResponse),
        (status = 404, description = "One of the tasks does not exist; nothing was changed", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 409, description = "A quota would be exceeded (`quota_exceeded`), or a request with the same `Idempotency-Key` is in progress", body = ProblemBody,
            content_type = "application/problem+json"),
    ))]
pub(crate) async fn batch(request: Request) -> Response {
    request
        .for_caller(
            Scope::WriteTodos,
            |input| {
                let ((operations, atomicity), once) = input.body_once(read_batch)?;
                if atomicity == Atomicity::AllOrNothing {
                    require_valid(&operations)?;
                }
                Ok((operations, atomicity, once))
            },
            |app, caller, (operations, atomicity, once)| {
                let wanted = operations.filter_map(|operation| operation.as_ref().ok().cloned());
                let body = |outcomes: &[OperationOutcome]| {
                    let response = BatchResponse::new(operations, outcomes);
                    Ok(serde_json::to_string(&response)?)
                };
                match apply_todos(app, caller, wanted, *atomicity, once.clone(), body)? {
                    Done::Now(outcomes) => Reply::ok(&BatchResponse::new(operations, &outcomes)),
                    Done::Before(body) => Ok(Reply::ok_before(body)),
                }
            },
        )
        .await
}
