//! Requests, by route, method and status, and how long they took.

use std::time::Instant;

use actix_web::http::{Method, StatusCode};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};
use todo_runtime::worker_pool::durations;

use super::Route;

/// Requests and their answers. Cloning it is cheap, and gives the same.
#[derive(Debug, Clone)]
pub(crate) struct RequestMetrics {
    answered: Family<AnswerLabels, Counter>,
    duration: Family<RouteLabels, Histogram>,
    problems: Family<ProblemLabel, Counter>,
    under_way: Gauge,
    abandoned: Counter,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AnswerLabels {
    route: Route,
    method: &'static str,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    route: Route,
    method: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ProblemLabel {
    code: &'static str,
}

impl Default for RequestMetrics {
    fn default() -> Self {
        let problems = Family::default();
        // A rate needs a counter that is there before it counts.
        for code in [
            "cross_site",
            "insufficient_scope",
            "internal_error",
            "invalid_credentials",
            "invalid_token",
            "outcome_unknown",
            "overloaded",
            "quota_exceeded",
            "rate_limited",
            "reauthentication_required",
            "storage_unavailable",
            "too_many_attempts",
            "user_id_mismatch",
        ] {
            drop(problems.get_or_create(&ProblemLabel { code }));
        }
        Self {
            answered: Family::default(),
            duration: Family::new_with_constructor(durations),
            problems,
            under_way: Gauge::default(),
            abandoned: Counter::default(),
        }
    }
}

impl RequestMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "http_requests",
            "Requests that were answered, by route, method and status",
            self.answered.clone(),
        );
        registry.register_with_unit(
            "http_request_duration",
            "Time from the head of a request to its answer",
            Unit::Seconds,
            self.duration.clone(),
        );
        registry.register(
            "http_problems",
            "Answers that were problems, by code",
            self.problems.clone(),
        );
        registry.register(
            "http_requests_under_way",
            "Requests that are not answered yet",
            self.under_way.clone(),
        );
        registry.register(
            "http_requests_abandoned",
            "Requests whose clients went away before they were answered",
            self.abandoned.clone(),
        );
    }

    /// Counts a request as under way until it is answered, or dropped.
    pub(crate) fn begin(&self) -> UnderWay<'_> {
        self.under_way.inc();
        UnderWay {
            metrics: self,
            began: Instant::now(),
            answered: false,
        }
    }
}

/// A request that is under way. One that is dropped without an answer was abandoned.
pub(crate) struct UnderWay<'a> {
    metrics: &'a RequestMetrics,
    began: Instant,
    answered: bool,
}

impl UnderWay<'_> {
    /// Counts the answer, which is a problem if it has a code.
    pub(crate) fn answered(
        mut self,
        route: Route,
        method: &Method,
        status: StatusCode,
        code: Option<&'static str>,
    ) {
        self.answered = true;
        let method = method_name(method);
        let duration = self.began.elapsed().as_secs_f64();
        let labels = AnswerLabels {
            route,
            method,
            status: status.as_u16(),
        };
        self.metrics.answered.get_or_create(&labels).inc();
        let labels = RouteLabels {
            route: labels.route,
            method,
        };
        self.metrics
            .duration
            .get_or_create(&labels)
            .observe(duration);
        if let Some(code) = code {
            self.metrics
                .problems
                .get_or_create(&ProblemLabel { code })
                .inc();
        }
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.metrics.under_way.dec();
        if !self.answered {
            self.metrics.abandoned.inc();
        }
    }
}

/// The name of a method that a route may have, or `other`: a client may send any.
pub(crate) fn method_name(method: &Method) -> &'static str {
    const KNOWN: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    KNOWN
        .into_iter()
        .find(|name| *name == method.as_str())
        .unwrap_or("other")
}

#[cfg(test)]
mod tests {
    use prometheus_client::encoding::text::encode;

    use super::*;

    fn shown(metrics: &RequestMetrics) -> String {
        let mut registry = Registry::default();
        metrics.register(&mut registry);
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        text
    }

    #[test]
    fn an_answer_is_counted_by_route_method_and_status() {
        let metrics = RequestMetrics::default();
        let route = Route::new("/api/tasks/{id}");
        let under_way = metrics.begin();
        assert!(shown(&metrics).contains("\nhttp_requests_under_way 1\n"));
        under_way.answered(route, &Method::GET, StatusCode::NOT_FOUND, Some("gone"));
        let text = shown(&metrics);
        for line in [
            r#"http_requests_total{route="/api/tasks/{id}",method="GET",status="404"} 1"#,
            r#"http_request_duration_seconds_count{route="/api/tasks/{id}",method="GET"} 1"#,
            r#"http_problems_total{code="gone"} 1"#,
            "http_requests_under_way 0",
            "http_requests_abandoned_total 0",
        ] {
            assert!(text.lines().any(|shown| shown == line), "{line}: {text}");
        }
    }

    #[test]
    fn a_request_that_is_dropped_is_abandoned() {
        let metrics = RequestMetrics::default();
        drop(metrics.begin());
        let text = shown(&metrics);
        assert!(text.contains("\nhttp_requests_under_way 0\n"), "{text}");
        assert!(
            text.contains("\nhttp_requests_abandoned_total 1\n"),
            "{text}"
        );
    }

    #[test]
    fn methods_that_no_route_has_are_one() {
        for name in ["BREW", "WHEN", "get"] {
            assert_eq!(
                method_name(&Method::from_bytes(name.as_bytes()).unwrap()),
                "other"
            );
        }
        assert_eq!(method_name(&Method::PATCH), "PATCH");
    }
}
