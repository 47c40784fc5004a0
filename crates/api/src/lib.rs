//! The HTTP face of the todo backend.
//!
//! A request passes `edge` (its id, its body), `cors` and `rate_limits`, reaches the one handler of its route under `routes`, and
//! there becomes one call of one use case on one thread of a [`Lane`]. A handler parses, calls, and maps the answer.
//! Errors become problems in `errors`, and nowhere else.

mod authorization;
mod body;
mod budget;
mod bulk;
mod client;
mod connection;
mod cors;
mod credentials;
mod cursor;
mod edge;
mod ending;
mod errors;
mod etag;
mod fair_queue;
mod fields;
#[cfg(test)]
mod fuzzing;
mod in_flight;
mod input;
mod lane;
mod lane_threads;
#[cfg(feature = "measured")]
pub mod measured;
mod metrics;
mod openapi;
mod openapi_rules;
mod origin;
mod problem;
mod query;
mod rate_limits;
mod reply;
mod request;
mod response_body;
mod routes;
mod serve;
mod trace;
mod violations;
mod wire;
mod work_queue;

use std::{sync::Arc, time::Duration};

use todo_application::{App, account::SeenSessions};

use crate::{budget::ByteBudget, in_flight::InFlight, rate_limits::RateLimits};

pub use body::BodySettings;
pub use client::TrustedProxies;
pub use connection::ConnectionSettings;
pub use cors::CorsOrigins;
pub use lane::{Lane, LaneError, LaneSettings};
pub use metrics::{LaneMetrics, Metrics, serve_metrics};
pub use openapi::openapi_json;
pub use rate_limits::RateLimitSettings;
pub use serve::{Observers, ServeSettings, serve};
pub use trace::{NoTracer, TraceId, TraceParent, Tracer};
pub use work_queue::QueueOrder;

/// The lanes in which blocking work runs.
#[derive(Debug, Clone)]
pub struct Lanes {
    /// For what talks to the database: as wide as that makes the best of it.
    pub database: Lane,
    /// For what reads all that a user has, searches and exports: a few threads, so that others keep theirs.
    pub bulk: Lane,
    /// For what hashes passwords: wider than hashes are computed at a time, since some of it waits for the database.
    pub hashing: Lane,
    /// For what is done after the answer and sends mails: a few threads, which wait for the mail server.
    pub mail: Lane,
}

/// What every request needs.
#[derive(Debug)]
pub(crate) struct State {
    app: App,
    lanes: Lanes,
    observers: Observers,
    /// Within which time blocking work must be done.
    request_deadline: Duration,
    body: BodySettings,
    budget: ByteBudget,
    trusted_proxies: TrustedProxies,
    cors_origins: CorsOrigins,
    rate_limits: Arc<RateLimits>,
    seen_sessions: Arc<SeenSessions>,
    /// The searches and exports that are in flight.
    in_flight: InFlight,
}
