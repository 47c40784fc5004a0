//! Metrics and traces.

use std::{net::SocketAddr, time::Duration};

use super::{Variables, socket_address};

/// Metrics and traces.
#[derive(Debug)]
pub(crate) struct TelemetryConfig {
    /// Listen address of metrics, if any.
    pub(crate) metrics_listen: Option<SocketAddr>,
    /// Collector of traces, if any.
    pub(crate) traces: Option<TraceConfig>,
}

/// Collector of traces. The OpenTelemetry library reads the other standard variables.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TraceConfig {
    /// URL for traces.
    pub(crate) url: String,
    /// Timeout of an export.
    pub(crate) timeout: Duration,
}

impl TelemetryConfig {
    pub(super) fn read(variables: &mut Variables<'_>) -> Self {
        Self {
            metrics_listen: variables.parsed("METRICS_LISTEN", socket_address),
            traces: TraceConfig::read(variables),
        }
    }
}

/// URL of the collector, to which `/v1/traces` is added.
const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
/// URL for traces, used as it is.
const TRACES_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";

impl TraceConfig {
    /// `None` if traces are disabled.
    fn read(variables: &mut Variables<'_>) -> Option<Self> {
        let milliseconds = variables.number("OTEL_EXPORTER_OTLP_TIMEOUT", 10_000, 1);
        for name in [
            "OTEL_EXPORTER_OTLP_PROTOCOL",
            "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
        ] {
            variables.parsed(name, protocol);
        }
        let is_off = [
            variables.parsed("OTEL_SDK_DISABLED", disabled),
            variables.parsed("OTEL_TRACES_EXPORTER", is_none),
        ]
        .contains(&Some(true));
        let collector = variables
            .parsed(ENDPOINT, url)
            .map(|url| format!("{}/v1/traces", url.trim_end_matches('/')));
        let url = variables.parsed(TRACES_ENDPOINT, url).or(collector)?;
        (!is_off).then_some(Self {
            url,
            timeout: Duration::from_millis(milliseconds),
        })
    }
}

fn url(text: &str) -> Result<String, &'static str> {
    if cfg!(not(feature = "otlp")) {
        return Err("is not supported: the program was built without the feature otlp");
    }
    let rest = text
        .strip_prefix("http://")
        .or_else(|| text.strip_prefix("https://"));
    match rest {
        Some(rest) if !rest.is_empty() && !rest.starts_with('/') => Ok(text.to_owned()),
        _ => Err("must be a URL, such as http://localhost:4318"),
    }
}

fn protocol(text: &str) -> Result<(), &'static str> {
    match text {
        "http/protobuf" => Ok(()),
        _ => Err("must be http/protobuf, the only supported protocol"),
    }
}

fn disabled(text: &str) -> Result<bool, &'static str> {
    match text.to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err("must be true or false"),
    }
}

fn is_none(text: &str) -> Result<bool, &'static str> {
    match text {
        "none" => Ok(true),
        "otlp" => Ok(false),
        _ => Err("must be otlp or none"),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::config::testing::read;

    #[test]
    fn metrics_are_served_where_it_is_said_and_else_nowhere() {
        let listen = |variables| read(variables).unwrap().observation.metrics_listen;
        assert_eq!(listen(&[]), None);
        let address = listen(&[("METRICS_LISTEN", "127.0.0.1:9100")]).unwrap();
        assert_eq!(address.to_string(), "127.0.0.1:9100");
        let error = read(&[("METRICS_LISTEN", "9100")]).unwrap_err();
        assert!(
            error.to_string().contains("METRICS_LISTEN must be"),
            "{error}"
        );
    }

    #[cfg(feature = "otlp")]
    #[rstest]
    #[case::nowhere(&[], None)]
    #[case::collector(&[(ENDPOINT, "http://[::1]:4318")], Some("http://[::1]:4318/v1/traces"))]
    #[case::with_a_path(&[(ENDPOINT, "https://a.example/otlp/")], Some("https://a.example/otlp/v1/traces"))]
    #[case::for_traces(&[(TRACES_ENDPOINT, "http://a.example/")], Some("http://a.example/"))]
    #[case::for_traces_before_all(
        &[(ENDPOINT, "http://a.example"), (TRACES_ENDPOINT, "http://b.example/t")],
        Some("http://b.example/t")
    )]
    #[case::disabled(&[(ENDPOINT, "http://a.example"), ("OTEL_SDK_DISABLED", "TRUE")], None)]
    #[case::not_disabled(
        &[(ENDPOINT, "http://a.example"), ("OTEL_SDK_DISABLED", "false")],
        Some("http://a.example/v1/traces")
    )]
    #[case::no_exporter(&[(ENDPOINT, "http://a.example"), ("OTEL_TRACES_EXPORTER", "none")], None)]
    fn traces_are_sent_where_the_standard_variables_say(
        #[case] variables: &[(&str, &str)],
        #[case] expected: Option<&str>,
    ) {
        let traces = read(variables).unwrap().observation.traces;
        assert_eq!(traces.as_ref().map(|traces| traces.url.as_str()), expected);
    }

    #[rstest]
    #[case(ENDPOINT, "localhost:4318")]
    #[case(ENDPOINT, "grpc://localhost:4317")]
    #[case(TRACES_ENDPOINT, "http:///v1")]
    #[case("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")]
    #[case("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/json")]
    #[case("OTEL_EXPORTER_OTLP_TIMEOUT", "soon")]
    #[case("OTEL_SDK_DISABLED", "yes")]
    #[case("OTEL_TRACES_EXPORTER", "zipkin")]
    fn what_cannot_be_done_is_named(#[case] name: &str, #[case] value: &str) {
        let error = read(&[(name, value)]).unwrap_err();
        assert_eq!(error.0.len(), 1, "{error}");
        assert!(error.0[0].starts_with(name), "{error}");
    }
}
