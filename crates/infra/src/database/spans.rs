//! A trace span for each statement.

use std::fmt::{self, Write};

use diesel::connection::{DebugQuery, Instrumentation, InstrumentationEvent};
use tracing::{Span, debug_span, field::Empty};

/// The target of trace spans.
const TARGET: &str = "todo_trace";

/// A span for a use of the database: waiting for a connection, and all statements on it.
pub(super) fn of_use(name: &'static str) -> Span {
    debug_span!(target: TARGET, "database", otel.name = name)
}

/// Opens a span when a statement begins, and closes it when it is done.
///
/// The span has the text of the statement and never a value, since values are the data of users.
#[derive(Debug)]
pub(super) struct StatementSpans {
    system: &'static str,
    statement: Option<Span>,
}

impl StatementSpans {
    /// Spans of statements to a database system, with its OpenTelemetry name.
    pub(super) fn of(system: &'static str) -> Self {
        Self {
            system,
            statement: None,
        }
    }

    fn begin(&mut self, query: &dyn DebugQuery) {
        let span = debug_span!(
            target: TARGET,
            "statement",
            otel.name = Empty,
            otel.kind = "client",
            otel.status_code = Empty,
            db.system.name = self.system,
            db.query.text = Empty,
        );
        if span.is_disabled() {
            return;
        }
        let text = text_of(query);
        // The first word is the SQL command.
        span.record("otel.name", text.split(' ').next().unwrap_or_default());
        span.record("db.query.text", text);
        self.statement = Some(span);
    }
}

impl Instrumentation for StatementSpans {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        match event {
            InstrumentationEvent::StartQuery { query, .. } => self.begin(query),
            InstrumentationEvent::FinishQuery { error, .. } => {
                if let (Some(span), Some(_)) = (self.statement.take(), error) {
                    span.record("otel.status_code", "ERROR");
                }
            }
            _ => {}
        }
    }
}

/// The text of a statement without the bound values, which diesel writes after it.
fn text_of(query: &dyn DebugQuery) -> String {
    let mut text = WithoutValues(String::new());
    // Writing fails where the values begin, so that they are never formatted.
    match write!(text, "{query}") {
        Ok(()) | Err(fmt::Error) => text.0,
    }
}

/// A writer that stops at the values and at a maximum length.
struct WithoutValues(String);

impl Write for WithoutValues {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        const VALUES: &str = " -- binds: ";
        const MAX_LENGTH: usize = 4096;
        let Self(text) = self;
        text.push_str(part);
        if let Some(at) = text.find(VALUES) {
            text.truncate(at);
            return Err(fmt::Error);
        }
        if text.len() > MAX_LENGTH {
            return Err(fmt::Error);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_omitted_wherever_the_text_is_split() {
        for parts in [
            &["SELECT 1 -- binds: [\"secret\"]"][..],
            &["SELECT ", "1", " -- binds: ", "[", "\"secret\"", "]"],
            &["SELECT 1 --", " binds: [\"secret\"]"],
        ] {
            let mut text = WithoutValues(String::new());
            let written = parts.iter().try_for_each(|part| text.write_str(part));
            assert!(written.is_err());
            assert_eq!(text.0, "SELECT 1");
        }
    }

    #[test]
    fn a_statement_without_values_is_recorded_completely() {
        let mut text = WithoutValues(String::new());
        text.write_str("BEGIN IMMEDIATE").unwrap();
        assert_eq!(text.0, "BEGIN IMMEDIATE");
    }
}
