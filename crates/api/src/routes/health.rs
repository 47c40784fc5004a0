//! Whether the server lives, and whether it can serve.

use serde::Serialize;
use todo_api_types::{errors::not_ready, problem::ProblemBody};
use todo_application::operation::check_readiness;
use utoipa::ToSchema;

use crate::{
    input::Input,
    reply::Reply,
    request::{Request, Response, database},
};

/// State of the server.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Health {
    /// `live` or `ready`.
    #[schema(example = "ready")]
    status: &'static str,
}

/// Liveness
///
/// Succeeds while the process runs, even if the database is unavailable.
#[utoipa::path(get, path = "/health/live", operation_id = "live", tag = "health", security(()),
    responses((status = 200, body = Health)))]
pub(crate) async fn live() -> Response {
    Ok(Reply::ok(&Health { status: "live" })?)
}

/// Readiness
///
/// Checks the database and its migrations. On failure, `errors` names the check: `database`, `migrations` or `queue`.
#[utoipa::path(get, path = "/health/ready", operation_id = "ready", tag = "health", security(()),
    responses(
        (status = 200, body = Health),
        (status = 503, description = "The server is not ready", body = ProblemBody, content_type = "application/problem+json"),
    ))]
pub(crate) async fn ready(request: Request) -> Response {
    request
        .for_anyone(database, Input::nothing, |app, _, ()| {
            check_readiness(app)?;
            Reply::ok(&Health { status: "ready" })
        })
        .await
        .map_err(|problem| not_ready(problem.0).into())
}
