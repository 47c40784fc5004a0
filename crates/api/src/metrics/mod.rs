//! What is measured of requests, worker pools and logins, for Prometheus.
//!
//! Every label has few values, all of which are ours: a path that is no route counts as [`Route::NONE`], and a method
//! that no route has as `other`. So whoever sends what there is not makes nothing grow.

mod connections;
mod logins;
mod requests;
mod route;
mod serve;

use prometheus_client::registry::Registry;
use todo_runtime::worker_pool::WorkerPoolMetrics;

pub use self::serve::serve_metrics;
pub(crate) use self::{
    connections::{BufferMetrics, ConnectionMetrics, Deadline, Refused},
    logins::LoginMetrics,
    requests::{RequestMetrics, method_name},
    route::Route,
};

/// What is measured of requests, connections, worker pools and logins. Cloning it is cheap, and gives the same.
#[derive(Debug, Clone, Default)]
pub struct Metrics {
    /// Of requests and their answers.
    pub(crate) requests: RequestMetrics,
    /// Of connections.
    pub(crate) connections: ConnectionMetrics,
    /// Of the bytes that are buffered for connections.
    pub(crate) buffers: BufferMetrics,
    /// Worker pools.
    pub worker_pools: WorkerPoolMetrics,
    /// Of logins.
    pub(crate) logins: LoginMetrics,
}

impl Metrics {
    /// Has `registry` show all of it.
    pub fn register(&self, registry: &mut Registry) {
        self.requests.register(registry);
        self.connections.register(registry);
        self.buffers.register(registry);
        self.worker_pools.register(registry);
        self.logins.register(registry);
    }
}
