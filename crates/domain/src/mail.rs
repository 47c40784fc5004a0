//! Mails that the service sends.

use std::fmt;

use crate::Email;

/// A mail to one address, in plain text.
///
/// What it says never prints itself, since there may be a secret in it.
#[derive(Clone, PartialEq, Eq)]
pub struct Mail {
    /// Whom it is for.
    pub to: Email,
    /// What it is about, in one line.
    pub subject: String,
    /// What it says, in lines that end with a line feed.
    pub text: String,
}

impl fmt::Debug for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mail")
            .field("to", &self.to)
            .field("subject", &self.subject)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_it_says_is_not_printed() {
        let mail = Mail {
            to: Email::new("ada@example.com").unwrap(),
            subject: "Your password".to_owned(),
            text: "todo_pwr_1".to_owned(),
        };
        let printed = format!("{mail:?}");
        assert!(printed.contains("Your password"), "{printed}");
        assert!(!printed.contains("todo_pwr_1"), "{printed}");
    }
}
