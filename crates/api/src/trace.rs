//! Traces of HTTP requests: the header by which they are continued, and what is recorded of responses.

use std::sync::Arc;

use actix_web::http::{
    Method, StatusCode,
    header::{HeaderMap, HeaderName},
};
use todo_runtime::{Trace, TraceParent, Tracer};

use crate::metrics::{Route, method_name};

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Begins the trace of a request, or continues that of the client.
pub(crate) fn begin(
    tracer: &Arc<dyn Tracer>,
    method: &Method,
    headers: &HeaderMap,
    request_id: &str,
) -> Trace {
    let method = method_name(method);
    let trace = Trace::begin(tracer, method, parent(headers).as_ref(), request_id);
    trace.span().record("http.request.method", method);
    trace
}

/// The parent of a request with these headers. A header that is sent twice is treated as absent (W3C Trace Context, 4.3).
fn parent(headers: &HeaderMap) -> Option<TraceParent> {
    let mut lines = headers.get_all(TRACEPARENT);
    let line = lines.next()?;
    if lines.next().is_some() {
        return None;
    }
    TraceParent::parse(line.to_str().ok()?)
}

/// Records the response, which is a problem if it has a code.
pub(crate) fn record_response(
    trace: &Trace,
    route: &Route,
    method: &Method,
    status: StatusCode,
    code: Option<&'static str>,
) {
    let span = trace.span();
    if span.is_disabled() {
        return;
    }
    if let Some(template) = route.template() {
        trace.rename(format!("{} {template}", method_name(method)));
        span.record("http.route", template);
    }
    span.record("http.response.status_code", status.as_u16());
    if let Some(code) = code {
        span.record("error.type", code);
    }
    if status.is_server_error() {
        span.record("otel.status_code", "ERROR");
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    #[test]
    fn one_parent_is_continued_and_two_are_none() {
        let text = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let mut headers = HeaderMap::new();
        headers.append(TRACEPARENT, HeaderValue::from_static(text));
        assert_eq!(parent(&headers), TraceParent::parse(text));
        headers.append(TRACEPARENT, HeaderValue::from_static(text));
        assert_eq!(parent(&headers), None);
    }
}
