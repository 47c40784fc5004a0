//! Every route, and the handler of each of its methods.

pub(crate) mod auth;
mod docs;
pub(crate) mod health;
pub(crate) mod jwks;
pub(crate) mod tasks;

use actix_web::{
    Resource,
    web::{self, ServiceConfig},
};

use crate::metrics::Route;

/// The two spellings of the tasks' path. In the second the owner is named, and must be the caller.
pub(crate) const TASKS: &str = "/api/tasks";
pub(crate) const TASKS_OF_USER: &str = "/api/{user_id}/tasks";

/// Tells actix every route. A method that a route does not know is answered with 405 and `Allow`.
pub(crate) fn configure(config: &mut ServiceConfig) {
    config
        .service(
            resource("/health/live")
                .get(health::live)
                .head(health::live),
        )
        .service(
            resource("/health/ready")
                .get(health::ready)
                .head(health::ready),
        )
        .service(
            resource("/.well-known/jwks.json")
                .get(jwks::jwks)
                .head(jwks::jwks),
        )
        .service(
            resource("/api/openapi.json")
                .get(docs::openapi)
                .head(docs::openapi),
        )
        .service(
            resource("/api/docs")
                .get(docs::redirect)
                .head(docs::redirect),
        )
        .service(
            resource("/api/docs/{file:.*}")
                .get(docs::file)
                .head(docs::file),
        )
        .service(resource("/api/auth/register").post(auth::register))
        .service(resource("/api/auth/login").post(auth::login))
        .service(resource("/api/auth/refresh").post(auth::refresh::refresh))
        .service(resource("/api/auth/logout").post(auth::logout))
        .service(
            resource("/api/auth/session")
                .get(auth::session)
                .head(auth::session),
        )
        .service(
            resource("/api/auth/sessions")
                .get(auth::sessions::list)
                .head(auth::sessions::list),
        )
        .service(resource("/api/auth/password/reset").post(auth::password_reset::request))
        .service(resource("/api/auth/password/reset/confirm").post(auth::password_reset::confirm))
        .service(resource("/api/auth/email").post(auth::email::change))
        .service(resource("/api/auth/email/cancel").post(auth::email::cancel))
        .service(resource("/api/auth/email/verification").post(auth::email::request))
        .service(resource("/api/auth/email/verify").post(auth::email::verify))
        .service(resource("/api/auth/sessions/{id}").delete(auth::sessions::end))
        .service(resource("/api/auth/password").put(auth::password::change))
        .service(
            resource("/api/auth/events")
                .get(auth::events::list)
                .head(auth::events::list),
        )
        .service(resource("/api/auth/account/delete").post(auth::account::delete))
        .service(
            resource("/api/auth/account/export")
                .get(auth::export::export)
                .head(auth::export::export),
        )
        .service(
            resource("/api/auth/tokens")
                .get(auth::personal_access_tokens::list)
                .head(auth::personal_access_tokens::list)
                .post(auth::personal_access_tokens::create),
        )
        .service(resource("/api/auth/tokens/{id}").delete(auth::personal_access_tokens::revoke))
        .service(
            resource("/api/auth/account")
                .get(auth::account::account)
                .head(auth::account::account)
                .patch(auth::account::update),
        );
    for base in [TASKS, TASKS_OF_USER] {
        configure_tasks(config, base);
    }
}

fn configure_tasks(config: &mut ServiceConfig, base: &str) {
    config
        .service(
            resource(base)
                .get(tasks::list)
                .head(tasks::list)
                .post(tasks::create),
        )
        .service(resource(format!("{base}/batch")).post(tasks::batch))
        .service(
            resource(format!("{base}/search"))
                .get(tasks::search)
                .head(tasks::search),
        )
        .service(
            resource(format!("{base}/{{id}}"))
                .get(tasks::get)
                .head(tasks::get)
                .put(tasks::put)
                .patch(tasks::patch)
                .delete(tasks::delete),
        )
        .service(resource(format!("{base}/{{id}}/complete")).patch(tasks::complete));
}

/// A resource that knows its route.
fn resource(path: impl Into<String>) -> Resource {
    let path = path.into();
    let route = Route::new(&path);
    web::resource(path).app_data(route)
}
