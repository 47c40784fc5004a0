//! What one look came to.

use std::{error::Error, fmt};

/// What was looked at, and how it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    level: Level,
    subject: &'static str,
    /// How it is, and what to do where it is not well.
    text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    Ok,
    /// A server does its work, and not as well as it could.
    Warning,
    /// A server cannot do its work.
    Fault,
}

impl Finding {
    pub(super) fn ok(subject: &'static str, text: impl Into<String>) -> Self {
        Self::new(Level::Ok, subject, text.into())
    }

    pub(super) fn warning(subject: &'static str, text: impl Into<String>) -> Self {
        Self::new(Level::Warning, subject, text.into())
    }

    pub(super) fn fault(subject: &'static str, text: impl Into<String>) -> Self {
        Self::new(Level::Fault, subject, text.into())
    }

    /// A fault with its causes.
    pub(super) fn failure(subject: &'static str, error: &dyn Error, advice: &str) -> Self {
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            // Many a message has that of its cause in it.
            let message = error.to_string();
            if !text.contains(&message) {
                text.push_str(": ");
                text.push_str(message.trim());
            }
            cause = error.source();
        }
        Self::fault(subject, format!("{text}; {advice}"))
    }

    fn new(level: Level, subject: &'static str, text: String) -> Self {
        Self {
            level,
            subject,
            text,
        }
    }

    pub(super) fn is_fault(&self) -> bool {
        self.level == Level::Fault
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = match self.level {
            Level::Ok => "ok",
            Level::Warning => "warning",
            Level::Fault => "fault",
        };
        // Whatever others say, it is one line.
        let words: Vec<_> = self.text.split_whitespace().collect();
        write!(f, "{level:<8} {}: {}", self.subject, words.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("it does not answer")]
    struct Outer(#[source] Inner);

    #[derive(Debug, thiserror::Error)]
    #[error("connection\n\trefused\n")]
    struct Inner;

    #[test]
    fn a_finding_is_one_line() {
        let finding = Finding::failure("database", &Outer(Inner), "start it");
        assert!(finding.is_fault());
        assert_eq!(
            finding.to_string(),
            "fault    database: it does not answer: connection refused; start it"
        );
        assert_eq!(
            Finding::ok("clock", "it is right").to_string(),
            "ok       clock: it is right"
        );
        assert!(!Finding::warning("mail", "it is not sent").is_fault());
    }
}
