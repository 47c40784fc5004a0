//! How HTTP is served.

use std::{num::NonZero, thread::available_parallelism, time::Duration};

use todo_api::{BodySettings, CorsOrigins, RateLimitSettings, TrustedProxies};

use super::{Variables, cors, proxies, rate_limits};

/// How HTTP is served, and within which bounds.
#[derive(Debug)]
pub(crate) struct HttpConfig {
    /// How many threads serve connections.
    pub(crate) workers: usize,
    /// How many connections are served at a time; more wait to be accepted.
    pub(crate) max_connections: usize,
    /// How many requests may wait in a lane.
    pub(crate) queue: usize,
    /// After which a request is answered with 503.
    pub(crate) request_deadline: Duration,
    pub(crate) body: BodySettings,
    /// Within which the head of a request must have arrived.
    pub(crate) head_deadline: Duration,
    /// For how long requests that are under way are waited for when the server is told to end.
    pub(crate) shutdown_deadline: Duration,
    pub(crate) cors_origins: CorsOrigins,
    pub(crate) trusted_proxies: TrustedProxies,
    pub(crate) rate_limits: RateLimitSettings,
}

impl HttpConfig {
    pub(super) fn read(variables: &mut Variables<'_>) -> Self {
        let workers = variables.number("HTTP_WORKERS", cores(), 1);
        let max_connections = variables.number("HTTP_MAX_CONNECTIONS", 10_000, 1);
        let queue = variables.number("QUEUE_LENGTH", 512, 1);
        let request_deadline = variables.seconds("REQUEST_DEADLINE_SECONDS", 3, 1);
        let body_limit = variables.number("BODY_LIMIT_BYTES", 524_288, 1_024);
        let slow_deadline = variables.seconds("SLOW_CLIENT_DEADLINE_SECONDS", 8, 1);
        Self {
            workers,
            max_connections,
            queue,
            request_deadline,
            body: BodySettings {
                limit: body_limit,
                deadline: slow_deadline,
            },
            head_deadline: slow_deadline,
            shutdown_deadline: variables.seconds("SHUTDOWN_DEADLINE_SECONDS", 30, 1),
            cors_origins: cors::origins(variables),
            trusted_proxies: proxies::trusted(variables),
            rate_limits: rate_limits::settings(variables),
        }
    }
}

/// How many cores the machine has.
pub(super) fn cores() -> usize {
    available_parallelism().map_or(1, NonZero::get)
}
