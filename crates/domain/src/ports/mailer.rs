//! How mails are sent.

use super::BoxError;
use crate::Mail;

/// A mail was not handed over.
#[derive(Debug, thiserror::Error)]
#[error("the mail cannot be sent")]
pub struct MailError(#[source] pub BoxError);

/// Sends mails.
#[cfg_attr(feature = "mocks", mockall::automock)]
pub trait Mailer: Send + Sync {
    /// Hands a mail over to whatever delivers it; whether it arrives is not known then. It may take seconds, and MUST
    /// end.
    ///
    /// # Errors
    /// [`MailError`] when it was not taken. It MUST NOT have the text of the mail in it.
    fn send(&self, mail: &Mail) -> Result<(), MailError>;
}
