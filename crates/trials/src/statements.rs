//! The statements that a request takes, as PostgreSQL's log tells them.

use std::{thread, time::Duration};

use crate::{PostgresServer, TrialResult};

/// A statement that was executed: one round trip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Its text, with its parameters as `$1` and so on.
    pub text: String,
    /// What they are, as text; `None` is NULL.
    pub parameters: Vec<Option<String>>,
}

/// The statements that PostgreSQL executes while `work` is done.
///
/// # Errors
/// When `work` fails, or the log cannot be read.
pub fn statements_of<T>(
    server: &PostgresServer,
    work: impl FnOnce() -> TrialResult<T>,
) -> TrialResult<(T, Vec<Statement>)> {
    // The log is written by another process, after the answer.
    const PATIENCE: Duration = Duration::from_millis(300);
    server.log_statements(true)?;
    thread::sleep(PATIENCE);
    let before = server.log()?.len();
    let value = work()?;
    thread::sleep(PATIENCE);
    let log = server.log()?;
    server.log_statements(false)?;
    let written = log.get(before..).unwrap_or_default();
    Ok((value, read(written)))
}

fn read(log: &str) -> Vec<Statement> {
    let mut statements: Vec<Statement> = Vec::new();
    for line in log.lines() {
        if let Some((_, text)) = line.split_once("LOG:  statement: ") {
            statements.push(statement(text));
        } else if let Some((_, executed)) = line.split_once("LOG:  execute ") {
            let (_, text) = executed.split_once(": ").unwrap_or(("", executed));
            statements.push(statement(text));
        } else if let Some((_, text)) = line.split_once("DETAIL:  parameters: ")
            && let Some(last) = statements.last_mut()
        {
            last.parameters = parameters(text);
        }
    }
    statements
}

fn statement(text: &str) -> Statement {
    Statement {
        text: text.to_owned(),
        parameters: Vec::new(),
    }
}

/// Reads `$1 = 'a', $2 = NULL`, where a quote within a text stands twice.
fn parameters(text: &str) -> Vec<Option<String>> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((_, value)) = rest.split_once(" = ") {
        let Some(mut quoted) = value.strip_prefix('\'') else {
            found.push(None);
            rest = value.strip_prefix("NULL").unwrap_or(value);
            continue;
        };
        let mut read = String::new();
        while let Some((before, after)) = quoted.split_once('\'') {
            read.push_str(before);
            quoted = after;
            let Some(again) = after.strip_prefix('\'') else {
                break;
            };
            read.push('\'');
            quoted = again;
        }
        found.push(Some(read));
        rest = quoted;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_read_with_their_parameters() {
        let log = "2026-11-21 14:00:00.000 UTC [7] LOG:  statement: BEGIN\n\
                   2026-11-21 14:00:00.000 UTC [7] LOG:  execute s0: SELECT $1, $2, $3\n\
                   2026-11-21 14:00:00.000 UTC [7] DETAIL:  parameters: $1 = 'it''s, $9 = x', $2 = NULL, $3 = ''\n";
        let [begin, select] = read(log).try_into().unwrap();
        assert_eq!(begin, statement("BEGIN"));
        assert_eq!(select.text, "SELECT $1, $2, $3");
        let expected = [Some("it's, $9 = x"), None, Some("")];
        assert_eq!(
            select.parameters,
            expected.map(|value| value.map(str::to_owned))
        );
    }
}
