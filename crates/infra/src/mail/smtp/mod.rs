//! Mails over SMTP.

use std::{fmt, net::IpAddr, time::Duration};

use lettre::{
    Message, SmtpTransport, Transport,
    message::{Mailbox, header::ContentType},
};
use todo_domain::{
    Email, Mail,
    ports::{BoxError, MailError, Mailer},
};

use super::address::address;

/// The timeout of each SMTP command.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A mailer that delivers to an SMTP server (RFC 5321), with one connection per mail.
#[derive(Clone)]
pub struct SmtpMailer {
    transport: SmtpTransport,
    from: Mailbox,
}

/// Why mail cannot be sent with what was configured. What was, is not said, since there is a password in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidMailSettings {
    /// The server is no valid URL.
    #[error(
        "must be a URL such as smtps://user:password@mail.example.com:465 or smtp://mail.example.com:587?tls=required"
    )]
    Url,
    /// Mails and the SMTP password would be sent over a network in plain text.
    #[error(
        "must demand TLS, by smtps:// or ?tls=required; a server in a network that can be trusted may do without, with \
         SMTP_ALLOW_PLAINTEXT=yes"
    )]
    Plaintext,
    /// The sender is no valid address.
    #[error("must be an address such as todo@example.com or Todo <todo@example.com>")]
    From,
}

impl SmtpMailer {
    /// Sends by the server that `url` tells: `smtps` for TLS from the start, `smtp` with `?tls=required` for TLS by
    /// STARTTLS (RFC 3207), with `?tls=opportunistic` for TLS where the server has it, and else without. User and
    /// password are percent-encoded.
    ///
    /// # Errors
    /// [`InvalidMailSettings::Url`] when it is none of these; [`InvalidMailSettings::From`] when `from` is neither an
    /// address nor a name with one.
    pub fn new(url: &str, from: &str) -> Result<Self, InvalidMailSettings> {
        let transport = Self::transport(url)?;
        let from = Self::sender(from)?;
        Ok(Self { transport, from })
    }

    /// Whether `url` tells a server, for finding every fault of a configuration at once.
    ///
    /// # Errors
    /// [`InvalidMailSettings::Url`], as [`new`](Self::new).
    pub fn check_url(url: &str) -> Result<(), InvalidMailSettings> {
        Self::transport(url).map(drop)
    }

    /// Whether what is sent to the server that `url` tells stays on this machine or is encrypted, whatever the server offers.
    ///
    /// # Errors
    /// [`InvalidMailSettings::Plaintext`] when it does not; [`InvalidMailSettings::Url`], as [`new`](Self::new).
    pub fn check_confidential(url: &str) -> Result<(), InvalidMailSettings> {
        Self::check_url(url)?;
        if url.starts_with("smtps://") {
            return Ok(());
        }
        let (_, rest) = url.split_once("://").unwrap_or_default();
        let tls = rest.split_once('?').and_then(|(_, query)| {
            let mut parameters = query.split('&');
            parameters.find_map(|parameter| parameter.strip_prefix("tls="))
        });
        if tls == Some("required") || is_loopback(host(rest)) {
            Ok(())
        } else {
            Err(InvalidMailSettings::Plaintext)
        }
    }

    /// Whether `from` can send mails.
    ///
    /// # Errors
    /// [`InvalidMailSettings::From`], as [`new`](Self::new).
    pub fn check_from(from: &str) -> Result<(), InvalidMailSettings> {
        Self::sender(from).map(drop)
    }

    fn transport(url: &str) -> Result<SmtpTransport, InvalidMailSettings> {
        let builder = SmtpTransport::from_url(url)
            .ok()
            .ok_or(InvalidMailSettings::Url)?;
        Ok(builder.timeout(Some(TIMEOUT)).build())
    }

    fn sender(from: &str) -> Result<Mailbox, InvalidMailSettings> {
        from.parse().ok().ok_or(InvalidMailSettings::From)
    }

    fn message(&self, mail: &Mail) -> Result<Message, BoxError> {
        let to = address(&mail.to)?;
        let message = Message::builder()
            .from(self.from.clone())
            .to(to.into())
            .subject(mail.subject.as_str())
            .message_id(None)
            .header(ContentType::TEXT_PLAIN)
            .body(mail.text.clone())?;
        Ok(message)
    }
}

/// The host of a URL without its scheme.
fn host(rest: &str) -> &str {
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let place = authority.rsplit('@').next().unwrap_or_default();
    match place.strip_prefix('[') {
        Some(address) => address.split(']').next().unwrap_or_default(),
        None => place.split(':').next().unwrap_or_default(),
    }
}

fn is_loopback(host: &str) -> bool {
    let address: Option<IpAddr> = host.parse().ok();
    host.eq_ignore_ascii_case("localhost") || address.is_some_and(|address| address.is_loopback())
}

impl fmt::Debug for SmtpMailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpMailer")
            .field("from", &self.from)
            .finish_non_exhaustive()
    }
}

impl Mailer for SmtpMailer {
    fn accepts(&self, email: &Email) -> bool {
        address(email).is_ok()
    }

    fn send(&self, mail: &Mail) -> Result<(), MailError> {
        let message = self.message(mail).map_err(MailError)?;
        match self.transport.send(&message) {
            Ok(_) => Ok(()),
            Err(error) => Err(MailError(error.into())),
        }
    }
}

#[cfg(test)]
mod tests;
