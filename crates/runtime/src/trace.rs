//! Traces: which one a request belongs to (W3C Trace Context), and the spans of which it is made.
//!
//! A trace has a span for the request, within it one for the use case, and within that one for each use of the database.
//! They all have the target [`TARGET`], by which whatever exports them tells them from those of the log, and cost next
//! to nothing where nobody does.

use std::{
    fmt,
    sync::{Arc, OnceLock},
    time::Instant,
};

use todo_domain::UserId;
use tracing::{Span, debug_span, field::Empty};

/// The target of spans that make up traces.
const TARGET: &str = "todo_trace";

/// Where in a trace of others a request belongs (W3C Trace Context, 3.2: `traceparent`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceParent {
    /// The trace.
    pub trace_id: TraceId,
    /// The span within it that made the request; never zero.
    pub parent_id: u64,
    /// Whether the caller may have recorded the trace.
    pub is_sampled: bool,
}

/// Names a trace; never zero. It is written as 32 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceId(pub u128);

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl TraceParent {
    /// Parses a `traceparent`; one that breaks a rule is treated as absent (W3C Trace Context, 3.2.2 and 4.3).
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(5, '-');
        let version = hexadecimal(parts.next()?, 2)?;
        let trace_id = hexadecimal(parts.next()?, 32).filter(|id| *id != 0)?;
        let parent_id = hexadecimal(parts.next()?, 16).filter(|id| *id != 0)?;
        let flags = hexadecimal(parts.next()?, 2)?;
        // Later versions may have more parts; 255 is none.
        if version == 0xff || (version == 0 && parts.next().is_some()) {
            return None;
        }
        Some(Self {
            trace_id: TraceId(trace_id),
            parent_id: u64::try_from(parent_id).ok()?,
            is_sampled: flags & 1 == 1,
        })
    }
}

/// So many hexadecimal digits, in lower case.
fn hexadecimal(text: &str, digits: usize) -> Option<u128> {
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if text.len() != digits || !text.bytes().all(is_digit) {
        return None;
    }
    u128::from_str_radix(text, 16).ok()
}

/// What makes traces of spans.
pub trait Tracer: Send + Sync {
    /// Makes `span`, which was just made, a part of the trace that its request belongs to, or of a new one, and says which that is.
    fn continue_trace(&self, span: &Span, parent: Option<&TraceParent>) -> Option<TraceId>;

    /// Names `span`, which has begun.
    fn rename(&self, span: &Span, name: String);

    /// Makes `span`, which was just made, a child of `parent`, which it may outlive.
    fn put_within(&self, span: &Span, parent: &Span);
}

/// Makes no traces; the log names those of others all the same.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoTracer;

impl Tracer for NoTracer {
    fn continue_trace(&self, _: &Span, parent: Option<&TraceParent>) -> Option<TraceId> {
        parent.map(|parent| parent.trace_id)
    }

    fn rename(&self, _: &Span, _: String) {}

    fn put_within(&self, _: &Span, _: &Span) {}
}

/// The trace of a request. Cloning it is cheap.
#[derive(Clone)]
pub struct Trace {
    id: Option<TraceId>,
    span: Span,
    tracer: Arc<dyn Tracer>,
    actor: Actor,
}

/// The user who makes a request, for the log. Cloning it is cheap, and gives the same.
#[derive(Debug, Clone, Default)]
pub struct Actor(Arc<OnceLock<UserId>>);

impl Actor {
    /// Takes note of the user, once it is known.
    pub fn is(&self, user: UserId) {
        self.0.get_or_init(|| user);
    }

    /// The user, if it is known.
    #[must_use]
    pub fn user(&self) -> Option<UserId> {
        self.0.get().copied()
    }
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trace")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl Trace {
    /// Begins the trace of a request, or continues that of the client. `operation` names the request until more is known,
    /// such as the method of HTTP.
    #[must_use]
    pub fn begin(
        tracer: &Arc<dyn Tracer>,
        operation: &'static str,
        parent: Option<&TraceParent>,
        request_id: &str,
    ) -> Self {
        let span = debug_span!(
            target: TARGET,
            parent: None,
            "request",
            otel.name = operation,
            otel.kind = "server",
            otel.status_code = Empty,
            http.request.method = Empty,
            http.route = Empty,
            http.response.status_code = Empty,
            error.type = Empty,
            todo.request_id = request_id,
        );
        let id = tracer.continue_trace(&span, parent);
        Self {
            id,
            span,
            tracer: Arc::clone(tracer),
            actor: Actor::default(),
        }
    }

    /// The span of the request, on which adapters record their fields.
    #[must_use]
    pub fn span(&self) -> &Span {
        &self.span
    }

    /// Names the span of the request.
    pub fn rename(&self, name: String) {
        self.tracer.rename(&self.span, name);
    }

    /// The user who makes the request.
    #[must_use]
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// The id of the trace, for the log.
    #[must_use]
    pub fn id(&self) -> Option<String> {
        self.id.map(|id| id.to_string())
    }

    /// A span within it for work that is to be done, which may take longer than the answer.
    pub(crate) fn work_span(&self, name: &str) -> WorkSpan {
        let span = debug_span!(
            target: TARGET,
            parent: None,
            "use_case",
            otel.name = name,
            worker_pool.wait_seconds = Empty,
        );
        self.tracer.put_within(&span, &self.span);
        WorkSpan {
            span,
            since: Instant::now(),
        }
    }
}

/// A span for work in a worker pool, from its submission to its end.
#[derive(Debug)]
pub(crate) struct WorkSpan {
    span: Span,
    since: Instant,
}

impl WorkSpan {
    /// Does the work, for which it was waited until now.
    pub(crate) fn in_scope<T>(self, work: impl FnOnce() -> T) -> T {
        if !self.span.is_disabled() {
            let waited = self.since.elapsed().as_secs_f64();
            self.span.record("worker_pool.wait_seconds", waited);
        }
        self.span.in_scope(work)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const ID: &str = "0af7651916cd43dd8448eb211c80319c";

    #[rstest]
    #[case::sampled("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", true)]
    #[case::not_sampled("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00", false)]
    #[case::other_flags("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-fe", false)]
    #[case::a_later_version("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", true)]
    #[case::with_more("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what", true)]
    fn a_trace_is_continued(#[case] text: &str, #[case] is_sampled: bool) {
        let parent = TraceParent::parse(text).unwrap();
        assert_eq!(parent.trace_id.to_string(), ID);
        assert_eq!(parent.parent_id, 0xb7ad_6b71_6920_3331);
        assert_eq!(parent.is_sampled, is_sampled);
    }

    #[rstest]
    #[case::empty("")]
    #[case::no_trace("00-00000000000000000000000000000000-b7ad6b7169203331-01")]
    #[case::no_parent("00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01")]
    #[case::no_version("ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")]
    #[case::upper_case("00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01")]
    #[case::a_sign("00-+af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")]
    #[case::too_short("00-af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")]
    #[case::too_long("00-00af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")]
    #[case::no_flags("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331")]
    #[case::flags_of_one_digit("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1")]
    #[case::more_than_the_version_has("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-0")]
    #[case::an_end("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-")]
    #[case::more_without_a_dash("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01what")]
    fn what_breaks_a_rule_is_as_good_as_nothing(#[case] text: &str) {
        assert_eq!(TraceParent::parse(text), None);
    }

    /// A fuzz target: no header panics, and what is accepted has nothing but what the standard allows.
    #[test]
    fn whatever_is_accepted_is_written_and_read_back() {
        let right = format!("00-{ID}-b7ad6b7169203331-01");
        bolero::check!()
            .with_type::<Vec<(u8, char)>>()
            .for_each(|edits| {
                let text = todo_domain::fuzzing::bent(&right, edits);
                let Some(parent) = TraceParent::parse(&text) else {
                    return;
                };
                let TraceParent {
                    trace_id,
                    parent_id,
                    is_sampled,
                } = parent;
                let written = format!("00-{trace_id}-{parent_id:016x}-0{}", u8::from(is_sampled));
                assert_eq!(TraceParent::parse(&written), Some(parent), "{text:?}");
            });
    }
}
