//! How mails are sent.

use super::BoxError;
use crate::{Email, Mail};

/// A mail was not handed over.
#[derive(Debug, thiserror::Error)]
#[error("the mail cannot be sent")]
pub struct MailError(#[source] pub BoxError);

/// Sends mails.
#[cfg_attr(feature = "mocks", mockall::automock)]
pub trait Mailer: Send + Sync {
    /// Whether a mail can be made out to this address. An address that is not accepted MUST make [`send`](Self::send) fail,
    /// and one that is accepted MUST NOT do so by its form.
    fn accepts(&self, email: &Email) -> bool;

    /// Hands a mail over to whatever delivers it; whether it arrives is not known then. It may take seconds, and MUST
    /// end.
    ///
    /// # Errors
    /// [`MailError`] when it was not taken. It MUST NOT have the text of the mail in it.
    fn send(&self, mail: &Mail) -> Result<(), MailError>;
}
