//! The HTTP face of the todo backend.
//!
//! A request passes `edge` (its id, its body), `cors` and `address_limit`, and reaches the one handler of its route under
//! `routes`. The handler names how the input is read, and one use case; `todo-runtime` authorizes the caller and runs it.

mod address_limit;
mod body;
mod budget;
mod client;
mod connection;
mod cors;
mod credentials;
mod edge;
mod etag;
mod input;
mod metrics;
mod openapi;
mod openapi_rules;
mod origin;
mod problem_response;
mod reply;
mod request;
mod response_body;
mod routes;
mod serve;
mod shutdown;
mod trace;

use std::sync::Arc;

use todo_runtime::Runtime;

use crate::budget::ByteBudget;

pub use body::BodySettings;
pub use client::TrustedProxies;
pub use connection::ConnectionSettings;
pub use cors::CorsOrigins;
pub use metrics::{Metrics, serve_metrics};
pub use openapi::openapi_json;
pub use serve::{ServeSettings, serve};

/// What every request needs.
#[derive(Debug)]
pub(crate) struct State {
    runtime: Arc<Runtime>,
    metrics: Metrics,
    body: BodySettings,
    budget: ByteBudget,
    trusted_proxies: TrustedProxies,
    cors_origins: CorsOrigins,
}
