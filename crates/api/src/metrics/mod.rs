//! What is measured of requests, lanes and logins, for Prometheus.
//!
//! Every label has few values, all of which are ours: a path that is no route counts as [`Route::NONE`], and a method
//! that no route has as `other`. So whoever sends what there is not makes nothing grow.

mod connections;
mod lanes;
mod logins;
mod requests;
mod route;
mod serve;

use prometheus_client::{metrics::histogram::Histogram, registry::Registry};

pub(crate) use self::{
    connections::{BufferMetrics, ConnectionMetrics, Deadline, Refused},
    lanes::LaneMetricsOf,
    logins::LoginMetrics,
    requests::{RequestMetrics, method_name},
    route::Route,
};
pub use self::{lanes::LaneMetrics, serve::serve_metrics};

/// What is measured of requests, connections, lanes and logins. Cloning it is cheap, and gives the same.
#[derive(Debug, Clone, Default)]
pub struct Metrics {
    /// Of requests and their answers.
    pub(crate) requests: RequestMetrics,
    /// Of connections.
    pub(crate) connections: ConnectionMetrics,
    /// Of the bytes that are buffered for connections.
    pub(crate) buffers: BufferMetrics,
    /// Of lanes, each under its name.
    pub lanes: LaneMetrics,
    /// Of logins.
    pub(crate) logins: LoginMetrics,
}

impl Metrics {
    /// Has `registry` show all of it.
    pub fn register(&self, registry: &mut Registry) {
        self.requests.register(registry);
        self.connections.register(registry);
        self.buffers.register(registry);
        self.lanes.register(registry);
        self.logins.register(registry);
    }
}

/// A histogram of durations in seconds, from half a millisecond to ten seconds.
fn durations() -> Histogram {
    Histogram::new([
        0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
    ])
}
