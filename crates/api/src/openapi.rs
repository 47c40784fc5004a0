//! The OpenAPI document: annotations of the handlers, and rules for all routes.

use todo_api_types::{problem::ProblemBody, tasks::task_list::TaskListResponse};
use utoipa::{
    OpenApi,
    openapi::{
        ContentBuilder, Ref, RefOr, Required, ResponseBuilder,
        path::{Operation, Parameter, ParameterBuilder, ParameterIn, PathItem},
        schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type},
        security::{Http, HttpAuthScheme, SecurityScheme},
    },
};

use crate::{
    openapi_rules::{close_bodies, describe_headers, describe_operations_of_a_batch, operations},
    routes::{TASKS, TASKS_OF_USER, auth, health, jwks, tasks},
};

/// Annotations of the handlers.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Todo",
        description = "Accounts and tasks.\n\n\
            Every error is a problem (RFC 9457) with a stable `code`. Unknown fields and parameters are refused, and so \
            is an `Idempotency-Key` on a route that does not support it.\n\n\
            Routes require the `token` of a session; routes of tasks also accept a `personal_access_token` with the \
            scope of the operation.",
        license(name = "MIT", identifier = "MIT"),
    ),
    tags(
        (name = "auth", description = "Accounts and sessions"),
        (name = "tasks", description = "Tasks of the user"),
        (name = "health", description = "Probes for operators"),
        (name = "keys", description = "Public keys for services that verify access tokens"),
    ),
    paths(
        auth::register::register,
        auth::login::login,
        auth::refresh::refresh,
        auth::logout::logout,
        auth::session::session,
        auth::sessions::list,
        auth::sessions::end,
        auth::personal_access_tokens::list,
        auth::personal_access_tokens::create,
        auth::personal_access_tokens::revoke,
        auth::password_reset::request,
        auth::password_reset::confirm,
        auth::email::change,
        auth::email::cancel,
        auth::email::request,
        auth::email::verify,
        auth::account::account,
        auth::account::update,
        auth::account::delete,
        auth::export::export,
        auth::events::list,
        auth::password::change,
        tasks::list::list,
        tasks::create::create,
        tasks::batch::batch,
        tasks::search::search,
        tasks::get::get,
        tasks::update::put,
        tasks::update::patch,
        tasks::delete::delete,
        tasks::complete::complete,
        health::live,
        health::ready,
        jwks::jwks,
    ),
    components(schemas(ProblemBody, TaskListResponse)),
    security(("token" = []))
)]
struct Handlers;

/// Routes with an optional body.
const WITHOUT_BODY_TOO: [&str; 1] = ["/api/auth/logout"];

/// Operations without a credential, which never give 401.
const WITHOUT_CREDENTIAL: [&str; 4] = [
    "register",
    "requestPasswordReset",
    "resetPassword",
    "verifyEmail",
];

const PROBLEM_JSON: &str = "application/problem+json";

/// The OpenAPI 3.1 document of the API, as JSON.
#[must_use]
pub fn openapi_json() -> String {
    let mut document = Handlers::openapi();
    let token = Http::builder()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .description(Some("The `token` from a registration or login."))
        .build();
    document
        .components
        .get_or_insert_default()
        .add_security_scheme("token", SecurityScheme::Http(token));
    let personal = Http::builder()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("todo_pat_…")
        .description(Some(
            "A personal access token from `POST /api/auth/tokens`, for programs. It grants access to tasks: `tasks:read` to \
             read them, `tasks:write` to change them; neither scope includes the other.",
        ))
        .build();
    document
        .components
        .get_or_insert_default()
        .add_security_scheme("personal_access_token", SecurityScheme::Http(personal));

    for (path, item) in &mut document.paths.paths {
        if path.starts_with("/api/") {
            operations(item).for_each(add_common_responses);
        }
    }
    for path in WITHOUT_BODY_TOO {
        let item = document.paths.paths.get_mut(path);
        for operation in item.into_iter().flat_map(operations) {
            if let Some(RefOr::T(body)) = &mut operation.request_body {
                body.required = Some(Required::False);
            }
        }
    }
    describe_operations_of_a_batch(&mut document);
    describe_headers(&mut document);
    close_bodies(&mut document);
    let spellings: Vec<_> = document
        .paths
        .paths
        .iter()
        .filter_map(|(path, item)| {
            let rest = path.strip_prefix(TASKS)?;
            Some((format!("{TASKS_OF_USER}{rest}"), of_user(item.clone())))
        })
        .collect();
    document.paths.paths.extend(spellings);

    let mut json = document.to_pretty_json().unwrap_or_default();
    json.push('\n');
    json
}

/// Error responses of every route.
fn add_common_responses(operation: &mut Operation) {
    let mut common = vec![
        ("400", "The body is empty, incomplete or not JSON"),
        ("408", "The body was not received in time"),
        ("413", "The body is too large"),
        ("415", "The media type of the body is not supported"),
        ("422", "The input is invalid; `errors` lists the violations"),
        ("500", "Internal error"),
        (
            "403",
            "The credential lacks the permission (`insufficient_scope`), or a change with a session cookie does not come \
             from a page of the same origin (`cross_site`)",
        ),
        (
            "429",
            "Too many requests from the address or by the user; retry after `Retry-After`",
        ),
        (
            "503",
            "The server is overloaded or the storage is unavailable; retry after `Retry-After`",
        ),
        (
            "507",
            "The storage is full (`storage_full`); reads still succeed",
        ),
    ];
    if operation
        .operation_id
        .as_deref()
        .is_none_or(|id| !WITHOUT_CREDENTIAL.contains(&id))
    {
        common.push(("401", "The token is missing, invalid or expired"));
    }
    for (status, description) in common {
        add_problem(operation, status, description);
    }
}

fn add_problem(operation: &mut Operation, status: &str, description: &str) {
    let response = ResponseBuilder::new()
        .description(description)
        .content(
            PROBLEM_JSON,
            ContentBuilder::new()
                .schema(Some(Ref::from_schema_name("Problem")))
                .build(),
        )
        .build();
    operation
        .responses
        .responses
        .entry(status.to_owned())
        .or_insert(response.into());
}

/// The routes with the owner in the path.
fn of_user(mut item: PathItem) -> PathItem {
    for operation in operations(&mut item) {
        if let Some(id) = &mut operation.operation_id {
            id.push_str("OfUser");
        }
        operation
            .parameters
            .get_or_insert_default()
            .insert(0, user_id().into());
        if let Some(RefOr::T(forbidden)) = operation.responses.responses.get_mut("403") {
            forbidden
                .description
                .push_str(", or the credential belongs to another user (`user_id_mismatch`)");
        }
    }
    item
}

fn user_id() -> Parameter {
    ParameterBuilder::new()
        .name("user_id")
        .parameter_in(ParameterIn::Path)
        .description(Some("Id of the authenticated user"))
        .schema(Some(
            ObjectBuilder::new()
                .schema_type(Type::String)
                .format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid))),
        ))
        .build()
}
