//! Everything that is kept of the caller.

use serde::Serialize;
use todo_application::account::export_account;
use utoipa::ToSchema;

use super::{
    account::AccountResponse, events::EventItem, personal_access_tokens::TokenItem,
    sessions::SessionItem,
};
use crate::{
    problem::Problem,
    reply::Reply,
    request::{Request, database},
    wire::TaskResponse,
};

/// Everything that is kept of a user.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AccountExport)]
pub(crate) struct ExportResponse<'a> {
    /// The user.
    account: AccountResponse<'a>,
    /// Every task, in the order of their creation.
    tasks: Vec<TaskResponse<'a>>,
    /// Where the user is logged in, or was until a while ago.
    sessions: Vec<SessionItem<'a>>,
    /// The personal access tokens that the user has made, those that have expired lately included.
    tokens: Vec<TokenItem<'a>>,
    /// What happened to the account, as far as it is kept, the last first.
    events: Vec<EventItem<'a>>,
}

/// Give me everything that is kept of me
///
/// As a file. Passwords and tokens are not in it, since not even the server has them.
#[utoipa::path(get, path = "/api/auth/account/export", operation_id = "exportAccount", tag = "auth",
    responses(
        (status = 200, description = "Everything", body = ExportResponse, headers(
            ("Content-Disposition" = String, description = "A name for the file"),
        )),
    ))]
pub(crate) async fn export(request: Request) -> Result<Reply, Problem> {
    request
        .for_session(database, |app, caller, input| {
            input.nothing()?;
            let export = export_account(app, caller)?;
            let current = caller.session.id;
            let sessions = export.sessions.iter();
            let body = ExportResponse {
                account: (&export.account).into(),
                tasks: export.todos.iter().map(TaskResponse::from).collect(),
                sessions: sessions
                    .map(|session| SessionItem::new(session, current))
                    .collect(),
                tokens: export
                    .personal_access_tokens
                    .iter()
                    .map(TokenItem::from)
                    .collect(),
                events: export.security_events.iter().map(EventItem::from).collect(),
            };
            let reply = Reply::ok(&body)?.not_to_be_stored();
            Ok(reply.saved_as("todo-account.json"))
        })
        .await
}
