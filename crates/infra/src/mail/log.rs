//! Mails that go to the log.

use todo_domain::{
    Email, Mail,
    ports::{MailError, Mailer},
};
use tracing::info;

use super::address::address;

/// Writes each mail to the log, for trying the service out where no mail can be sent.
///
/// The text of a mail has a secret in it, by which whoever reads the log takes the account over.
#[derive(Debug, Clone, Copy)]
pub struct LogMailer {
    /// Whether the text is written as well, and not the subject alone.
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
            info!(%to, subject, text, "mail not sent: SMTP_URL is not set");
        } else {
            info!(%to, subject, "mail not sent, and its text not logged: SMTP_URL is not set");
        }
        Ok(())
    }
}
