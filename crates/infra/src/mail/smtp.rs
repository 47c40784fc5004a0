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

/// Within which time the server must answer each thing that it is told.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Hands mails over to an SMTP server (RFC 5321), one connection each.
#[derive(Clone)]
pub struct SmtpMailer {
    transport: SmtpTransport,
    from: Mailbox,
}

/// Why mail cannot be sent with what was configured. What was, is not said, since there is a password in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidMailSettings {
    /// The server is not told as a URL.
    #[error(
        "must be a URL such as smtps://user:password@mail.example.com:465 or smtp://mail.example.com:587?tls=required"
    )]
    Url,
    /// Mails, and the password of the user, would go over a network in plain text.
    #[error(
        "must demand TLS, by smtps:// or ?tls=required; a server in a network that can be trusted may do without, with \
         SMTP_ALLOW_PLAINTEXT=yes"
    )]
    Plaintext,
    /// The sender is no address.
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
mod tests {
    use std::{
        io::{BufRead, BufReader, Write},
        net::{TcpListener, TcpStream},
        thread::{self, JoinHandle},
    };

    use rstest::rstest;

    use super::*;

    fn mail() -> Mail {
        Mail {
            to: Email::new("grace@example.com").unwrap(),
            subject: "Your password".to_owned(),
            text: "todo_pwr_1\n".to_owned(),
        }
    }

    /// A server that takes one mail, answers to its end as it is told, and gives every line that it was sent.
    fn smtp_server(to_the_mail: &'static str) -> (String, JoinHandle<Vec<String>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("smtp://{}", listener.local_addr().unwrap());
        let server = thread::spawn(move || converse(listener.accept().unwrap().0, to_the_mail));
        (url, server)
    }

    fn converse(stream: TcpStream, to_the_mail: &str) -> Vec<String> {
        let mut answers = stream.try_clone().unwrap();
        let mut answer = move |text: &str| write!(answers, "{text}\r\n").unwrap();
        let mut in_mail = false;
        let mut lines = Vec::new();
        answer("220 ready");
        for line in BufReader::new(stream).lines() {
            let Ok(line) = line else { break };
            match line.as_str() {
                "." if in_mail => {
                    in_mail = false;
                    answer(to_the_mail);
                }
                _ if in_mail => {}
                "DATA" => {
                    in_mail = true;
                    answer("354 go on");
                }
                "QUIT" => {
                    answer("221 bye");
                    break;
                }
                _ => answer("250 ok"),
            }
            lines.push(line);
        }
        lines
    }

    #[test]
    fn a_mail_is_handed_over_to_the_server() {
        let (url, server) = smtp_server("250 taken");
        let mailer = SmtpMailer::new(&url, "Todo <todo@example.com>").unwrap();
        mailer.send(&mail()).unwrap();
        drop(mailer);
        let lines = server.join().unwrap();
        for expected in [
            "MAIL FROM:<todo@example.com>",
            "RCPT TO:<grace@example.com>",
            "Subject: Your password",
            "todo_pwr_1",
        ] {
            let found = lines.iter().any(|line| line.starts_with(expected));
            assert!(found, "{expected} is not in {lines:#?}");
        }
    }

    #[test]
    fn a_mail_that_is_not_taken_is_an_error_without_its_text() {
        let (url, server) = smtp_server("550 no");
        let mailer = SmtpMailer::new(&url, "todo@example.com").unwrap();
        let error = mailer.send(&mail()).unwrap_err();
        assert!(!format!("{error:?}").contains("todo_pwr_1"), "{error:?}");
        server.join().unwrap();
    }

    #[test]
    fn a_server_that_is_away_is_an_error() {
        // The port was free a moment ago.
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr();
        let url = format!("smtp://{}", address.unwrap());
        let mailer = SmtpMailer::new(&url, "todo@example.com").unwrap();
        assert!(mailer.send(&mail()).is_err());
    }

    #[rstest]
    #[case("smtps://ada:hunter2@mail.example.com:465")]
    #[case("smtp://mail.example.com:587?tls=required")]
    #[case("smtp://localhost:1025")]
    fn a_server_is_told_by_a_url(#[case] url: &str) {
        let mailer = SmtpMailer::new(url, "todo@example.com").unwrap();
        assert!(!format!("{mailer:?}").contains("hunter2"));
    }

    #[rstest]
    #[case("smtps://ada:hunter2@mail.example.com:465", Ok(()))]
    #[case("smtp://ada:hunter2@mail.example.com:587?tls=required", Ok(()))]
    #[case("smtp://localhost:1025", Ok(()))]
    #[case("smtp://ada:hunter2@127.0.0.1", Ok(()))]
    #[case("smtp://[::1]:1025", Ok(()))]
    #[case("SMTP://mail.example.com:587", Err(InvalidMailSettings::Plaintext))]
    #[case("smtp://mail.example.com:587", Err(InvalidMailSettings::Plaintext))]
    #[case(
        "smtp://mail.example.com?tls=opportunistic",
        Err(InvalidMailSettings::Plaintext)
    )]
    #[case(
        "smtp://localhost:secret@mail.example.com",
        Err(InvalidMailSettings::Plaintext)
    )]
    #[case("mail.example.com", Err(InvalidMailSettings::Url))]
    fn mails_leave_this_machine_encrypted_only(
        #[case] url: &str,
        #[case] expected: Result<(), InvalidMailSettings>,
    ) {
        assert_eq!(SmtpMailer::check_confidential(url), expected);
    }

    #[rstest]
    #[case("mail.example.com", "todo@example.com", InvalidMailSettings::Url)]
    #[case(
        "http://ada:hunter2@mail",
        "todo@example.com",
        InvalidMailSettings::Url
    )]
    #[case("smtp://mail.example.com", "todo", InvalidMailSettings::From)]
    fn what_cannot_be_used_is_refused(
        #[case] url: &str,
        #[case] from: &str,
        #[case] expected: InvalidMailSettings,
    ) {
        assert_eq!(SmtpMailer::new(url, from).unwrap_err(), expected);
    }
}
