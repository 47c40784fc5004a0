//! Answers that are a message for people.

use serde::Serialize;
use todo_api_types::problem::Problem;
use utoipa::ToSchema;

use crate::reply::Reply;

/// A confirmation.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Message)]
pub(crate) struct MessageResponse {
    /// Text for people.
    message: &'static str,
}

/// 200 with a message.
pub(super) fn done(message: &'static str) -> Result<Reply, Problem> {
    Reply::ok(&MessageResponse { message })
}

/// 202 with a message.
pub(super) fn accepted(message: &'static str) -> Result<Reply, Problem> {
    Reply::accepted(&MessageResponse { message })
}
