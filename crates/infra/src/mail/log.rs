//! A mailer that logs.

use todo_domain::{
    Email, Mail,
    ports::{MailError, Mailer},
};
use tracing::info;

use super::address::address;

/// Logs each mail, for development without a mail server.
///
/// The text of a mail may contain a token, which grants access to the account to every reader of the log.
#[derive(Debug, Clone, Copy)]
pub struct LogMailer {
    /// Whether the text is logged, in addition to the subject.
    pub with_text: bool,
}

impl Mailer for LogMailer {
    /// The addresses that are accepted over SMTP, so that accounts can be mailed once there is a server.
    fn accepts(&self, email: &Email) -> bool {
        address(email).is_ok()
    }

    fn send(&self, mail: &Mail) -> Result<(), MailError> {
        let Mail { to, subject, text } = mail;
        if self.with_text {
            info!(%to, subject, text, "a mail, which is not sent");
        } else {
            info!(%to, subject, "a mail, which is not sent, and whose text is not logged");
        }
        Ok(())
    }
}
