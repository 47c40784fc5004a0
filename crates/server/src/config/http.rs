//! HTTP server and its limits.

use std::{num::NonZero, thread::available_parallelism, time::Duration};

use todo_api::{BodySettings, ConnectionSettings, CorsOrigins, TrustedProxies};
use todo_runtime::RateLimitSettings;

use super::{Variables, cors, proxies, rate_limits};

/// 32 MiB: a few lists of maximum size, or hundreds of typical ones.
const BUFFERED_BYTES: usize = 32 << 20;

/// HTTP server and its limits.
#[derive(Debug)]
pub(crate) struct HttpConfig {
    /// Threads that serve connections.
    pub(crate) workers: usize,
    /// Maximum number of concurrent connections; further ones wait to be accepted.
    pub(crate) max_connections: usize,
    /// Queue length of a worker pool.
    pub(crate) queue: usize,
    /// Deadline of a request, after which it gets 503.
    pub(crate) request_deadline: Duration,
    pub(crate) body: BodySettings,
    pub(crate) connection: ConnectionSettings,
    /// Memory for request and response bodies, in bytes.
    pub(crate) buffered_bytes: usize,
    /// Time to wait for in-flight requests after SIGTERM.
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
        let per_address = variables.number("CONNECTIONS_PER_ADDRESS", 256, 0);
        Self {
            workers,
            max_connections,
            queue,
            request_deadline,
            body: BodySettings {
                limit: body_limit,
                deadline: slow_deadline,
            },
            connection: ConnectionSettings {
                per_address: NonZero::new(per_address),
                head_deadline: slow_deadline,
                write_deadline: variables.seconds("UNREAD_RESPONSE_DEADLINE_SECONDS", 30, 1),
            },
            buffered_bytes: variables.number("BUFFERED_BYTES_LIMIT", BUFFERED_BYTES, 1 << 20),
            shutdown_deadline: variables.seconds("SHUTDOWN_DEADLINE_SECONDS", 30, 1),
            cors_origins: cors::origins(variables),
            trusted_proxies: proxies::trusted(variables),
            rate_limits: rate_limits::settings(variables),
        }
    }
}

/// Number of cores of the machine.
pub(super) fn cores() -> usize {
    available_parallelism().map_or(1, NonZero::get)
}
