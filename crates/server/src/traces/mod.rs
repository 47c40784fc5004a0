//! Traces: spans of requests, sent to a collector by OTLP where one is configured.

#[cfg(feature = "otlp")]
mod client;
#[cfg(feature = "otlp")]
mod otlp;

use std::{error::Error, sync::Arc};

use todo_runtime::{NoTracer, Tracer};
use tracing_subscriber::{Layer, Registry};

use crate::config::TraceConfig;

/// What sees the spans.
pub(crate) type TraceLayer = Box<dyn Layer<Registry> + Send + Sync>;

/// What makes traces of requests, if anything does.
#[derive(Default)]
pub(crate) struct Traces {
    #[cfg(feature = "otlp")]
    exporter: Option<otlp::Exporter>,
}

impl Traces {
    /// No traces.
    pub(crate) fn none() -> Self {
        Self::default()
    }

    /// Traces that are sent, and what sees their spans.
    #[cfg(feature = "otlp")]
    pub(crate) fn start(config: TraceConfig) -> Result<(Self, TraceLayer), Box<dyn Error>> {
        let (exporter, layer) = otlp::Exporter::start(config)?;
        let exporter = Some(exporter);
        Ok((Self { exporter }, layer))
    }

    /// Never called: there is no such configuration without the feature.
    #[cfg(not(feature = "otlp"))]
    pub(crate) fn start(_: TraceConfig) -> Result<(Self, TraceLayer), Box<dyn Error>> {
        Err("this program was built without the feature otlp".into())
    }

    /// What the requests are given to.
    pub(crate) fn tracer(&self) -> Arc<dyn Tracer> {
        #[cfg(feature = "otlp")]
        if self.exporter.is_some() {
            return Arc::new(otlp::OtlpTracer);
        }
        Arc::new(NoTracer)
    }

    /// Sends what has not been sent yet.
    #[cfg_attr(
        not(feature = "otlp"),
        expect(clippy::unused_self, reason = "there is nothing to send")
    )]
    pub(crate) fn end(&self) {
        #[cfg(feature = "otlp")]
        if let Some(exporter) = &self.exporter {
            exporter.end();
        }
    }
}
