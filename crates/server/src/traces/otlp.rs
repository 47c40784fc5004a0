//! Sending traces by OTLP over HTTP.

use std::error::Error;

use opentelemetry::{
    Context, Key,
    trace::{
        SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId as OtlpTraceId, TraceState,
        TracerProvider,
    },
};
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{Resource, trace::SdkTracerProvider};
use todo_runtime::{TraceId, TraceParent, Tracer};
use tracing::{Level, Span, warn};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::{
    Layer,
    filter::{LevelFilter, Targets},
};

use super::{TraceLayer, client::CollectorClient};
use crate::config::TraceConfig;

/// The target of the spans that are sent. Nothing else is: neither lines of the log nor spans of libraries.
const TARGET: &str = "todo_trace";

/// What the service is called, unless it is configured.
const SERVICE_NAME: &str = "todo-server";

/// Sends spans, some at a time, from a thread of its own. What the collector does not take in time is dropped.
pub(super) struct Exporter {
    provider: SdkTracerProvider,
}

impl Exporter {
    pub(super) fn start(config: TraceConfig) -> Result<(Self, TraceLayer), Box<dyn Error>> {
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(CollectorClient::new(config.timeout))
            .with_endpoint(config.url)
            .build()?;
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_resource(resource())
            .build();
        let layer = tracing_opentelemetry::layer()
            .with_tracer(provider.tracer(SERVICE_NAME))
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            .with_context_activation(false)
            .with_filter(
                Targets::new()
                    .with_target(TARGET, Level::DEBUG)
                    .with_default(LevelFilter::OFF),
            )
            .boxed();
        Ok((Self { provider }, layer))
    }

    /// Sends what has not been sent yet, and nothing more.
    pub(super) fn end(&self) {
        if let Err(error) = self.provider.shutdown() {
            warn!(%error, "not all traces were sent");
        }
    }
}

/// What the standard variables say of this service, and else its name.
fn resource() -> Resource {
    let configured = Resource::builder().build();
    let name = configured.get(&Key::from_static_str("service.name"));
    let is_named = name.is_some_and(|name| !name.as_str().starts_with("unknown_service"));
    if is_named {
        return configured;
    }
    Resource::builder().with_service_name(SERVICE_NAME).build()
}

/// Has spans be parts of traces.
pub(super) struct OtlpTracer;

impl Tracer for OtlpTracer {
    fn continue_trace(&self, span: &Span, parent: Option<&TraceParent>) -> Option<TraceId> {
        if let Some(parent) = parent {
            let flags = TraceFlags::default().with_sampled(parent.is_sampled);
            let parent = SpanContext::new(
                OtlpTraceId::from_bytes(parent.trace_id.0.to_be_bytes()),
                SpanId::from_bytes(parent.parent_id.to_be_bytes()),
                flags,
                true,
                TraceState::default(),
            );
            set_parent(span, Context::new().with_remote_span_context(parent));
        }
        let context = span.context();
        let id = context.span().span_context().trace_id();
        (id != OtlpTraceId::INVALID).then(|| TraceId(u128::from_be_bytes(id.to_bytes())))
    }

    fn rename(&self, span: &Span, name: String) {
        span.context().span().update_name(name);
    }

    fn put_within(&self, span: &Span, parent: &Span) {
        set_parent(span, parent.context());
    }
}

fn set_parent(span: &Span, parent: Context) {
    // It fails for a span that has begun or that nobody sees; neither is given here.
    if let Err(error) = span.set_parent(parent) {
        warn!(%error, "a span is outside of its trace");
    }
}
