//! Metrics for Prometheus: what is measured in all parts of the server, under one prefix and at one address.
//!
//! `todo-api` measures requests, worker pools and logins itself. The other parts know of no metrics: a hasher is
//! [wrapped](hashing), and the pool of connections and the log are asked when someone looks.

mod hashing;
mod log;
mod pool;

use std::{
    env::consts::{ARCH, OS},
    error::Error,
    fmt,
    net::{SocketAddr, TcpListener},
    sync::Arc,
};

use prometheus_client::{
    encoding::{DescriptorEncoder, EncodeMetric, text::encode},
    metrics::info::Info,
    registry::Registry,
};
use todo_api::{Metrics, serve_metrics};
use todo_domain::ports::PasswordHasher;
use todo_infra::Database;
use tracing::error;

use crate::malformed_requests::MalformedRequests;

use self::{
    hashing::{HashingMetrics, MeasuredHasher},
    log::LogCollector,
    pool::PoolCollector,
};

/// What all names of metrics begin with.
const PREFIX: &str = "todo";

/// Everything that is measured.
#[derive(Debug)]
pub(crate) struct ServerMetrics {
    registry: Registry,
    api: Metrics,
    hashing: HashingMetrics,
}

impl ServerMetrics {
    /// Metrics of a server on `database`, with nothing counted yet. `lost` tells how many lines of its log were lost,
    /// `malformed` how many requests could not be read.
    pub(crate) fn new(
        database: &Database,
        lost: impl Fn() -> usize + Send + Sync + 'static,
        malformed: MalformedRequests,
    ) -> Self {
        let mut registry = Registry::with_prefix(PREFIX);
        let build = Info::new(vec![
            ("version", env!("CARGO_PKG_VERSION")),
            ("os", OS),
            ("arch", ARCH),
        ]);
        registry.register("build", "Which program it is", build);
        let api = Metrics::default();
        api.register(&mut registry);
        let hashing = HashingMetrics::default();
        hashing.register(&mut registry);
        registry.register_collector(Box::new(PoolCollector::new(database.clone())));
        registry.register_collector(Box::new(LogCollector::new(lost, malformed)));
        Self {
            registry,
            api,
            hashing,
        }
    }

    /// What `todo-api` measures.
    pub(crate) fn api(&self) -> &Metrics {
        &self.api
    }

    /// The same hasher, with the time measured that it takes.
    pub(crate) fn measured(&self, hasher: Arc<dyn PasswordHasher>) -> Arc<dyn PasswordHasher> {
        Arc::new(MeasuredHasher::new(hasher, self.hashing.clone()))
    }

    /// Serves what was measured at `address`, for as long as the process lives, and gives where that came to be.
    pub(crate) fn serve(self, address: SocketAddr) -> Result<SocketAddr, Box<dyn Error>> {
        let listener = TcpListener::bind(address)
            .map_err(|error| format!("cannot listen on {address} for metrics: {error}"))?;
        let address = listener.local_addr()?;
        let registry = Arc::new(self.registry);
        serve_metrics(listener, move || text(&registry))?;
        Ok(address)
    }
}

/// Everything in a registry, as the text of `OpenMetrics` 1.0.
fn text(registry: &Registry) -> String {
    let mut text = String::new();
    if let Err(error) = encode(&mut text, registry) {
        error!(%error, "not all metrics are shown");
    }
    text
}

/// Shows one metric that a [collector](prometheus_client::collector::Collector) has looked up.
fn show(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    metric: &impl EncodeMetric,
) -> fmt::Result {
    metric.encode(encoder.encode_descriptor(name, help, None, metric.metric_type())?)
}
