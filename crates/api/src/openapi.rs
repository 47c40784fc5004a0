//! The OpenAPI document, made of the handlers' own annotations and of what holds for every route.

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
    problem::ProblemBody,
    routes::{TASKS, TASKS_OF_USER, auth, health, jwks, tasks},
};

/// What the handlers say of themselves.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Todo",
        description = "Accounts and todos. A todo is called a task here.\n\n\
            Every error is a problem (RFC 9457) with a stable `code`. Nothing that is sent is ignored: a field or a \
            parameter that is not known is refused by name, and so is an `Idempotency-Key` where a route does not \
            have it.\n\n\
            What takes a credential takes the `token` of a session, and tasks also a `personal_access_token` that has \
            the scope which the operation names.",
        license(name = "MIT", identifier = "MIT"),
    ),
    tags(
        (name = "auth", description = "Accounts and sessions"),
        (name = "tasks", description = "What a user means to do"),
        (name = "health", description = "For whoever operates the server"),
        (name = "keys", description = "For whoever verifies tokens elsewhere"),
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
    components(schemas(ProblemBody, tasks::list::TaskListResponse)),
    security(("token" = []))
)]
struct Handlers;

/// Routes whose body may be left out.
const WITHOUT_BODY_TOO: [&str; 1] = ["/api/auth/logout"];

/// Operations that no credential is asked of.
const WITHOUT_CREDENTIAL: [&str; 2] = ["register", "login"];

const PROBLEM_JSON: &str = "application/problem+json";

/// The OpenAPI 3.1 document of the API, as JSON.
#[must_use]
pub fn openapi_json() -> String {
    let mut document = Handlers::openapi();
    let token = Http::builder()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .description(Some("The `token` that registering or logging in gave."))
        .build();
    document
        .components
        .get_or_insert_default()
        .add_security_scheme("token", SecurityScheme::Http(token));
    let personal = Http::builder()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("todo_pat_…")
        .description(Some(
            "A personal access token, which `POST /api/auth/tokens` made for a program. It is good for tasks alone: \
             with the scope `tasks:read` to read them, with `tasks:write` to change them; neither includes the other.",
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

/// What any route may answer.
fn add_common_responses(operation: &mut Operation) {
    let mut common = vec![
        (
            "400",
            "The body is empty, not JSON, or did not arrive whole",
        ),
        ("408", "The body did not arrive in time"),
        ("413", "The body is too large"),
        ("415", "The body is of another media type"),
        ("422", "A field breaks a rule; `errors` says which, and how"),
        ("500", "The server is at fault"),
        (
            "403",
            "A personal access token is not good for this (`insufficient_scope`), or a cookie came with a change that no \
             page of this origin is known to make (`cross_site`)",
        ),
        (
            "429",
            "There were too many requests from one address or of one user; `Retry-After` says when to try again",
        ),
        (
            "503",
            "The server cannot answer now; `Retry-After` says when to try again",
        ),
        (
            "507",
            "The storage is full (`storage_full`): what only reads goes on, and changes do once there is room",
        ),
    ];
    if operation
        .operation_id
        .as_deref()
        .is_none_or(|id| !WITHOUT_CREDENTIAL.contains(&id))
    {
        common.push(("401", "The token is missing or does not count"));
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

/// The same routes in the spelling that names the owner.
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
                .push_str(", or the token is another user's (`user_id_mismatch`)");
        }
    }
    item
}

fn user_id() -> Parameter {
    ParameterBuilder::new()
        .name("user_id")
        .parameter_in(ParameterIn::Path)
        .description(Some("The id of the caller"))
        .schema(Some(
            ObjectBuilder::new()
                .schema_type(Type::String)
                .format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid))),
        ))
        .build()
}
