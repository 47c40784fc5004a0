//! Mail delivery, and links in mails.

use std::{fmt, net::IpAddr, sync::Arc};

use todo_domain::{PublicUrl, ports::Mailer};
use todo_infra::{InvalidMailSettings, LogMailer, SmtpMailer};

use super::Variables;

const URL: &str = "SMTP_URL";
const FROM: &str = "MAIL_FROM";
const PLAINTEXT: &str = "SMTP_ALLOW_PLAINTEXT";
const TO_LOG: &str = "MAILS_TO_LOG";

/// Mail delivery, and the front end for links.
pub(crate) struct MailConfig {
    pub(crate) mailer: Arc<dyn Mailer>,
    pub(crate) delivery: MailDelivery,
    /// URL of the front end, if any.
    pub(crate) public_url: Option<PublicUrl>,
}

/// Delivery of mails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MailDelivery {
    /// Sent by SMTP.
    Smtp {
        /// Whether the connection is encrypted or local.
        is_confidential: bool,
    },
    /// Written to the log.
    Log {
        /// Whether with their text, which contains secrets.
        with_text: bool,
    },
}

impl fmt::Debug for MailConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MailConfig")
            .field("delivery", &self.delivery)
            .field("public_url", &self.public_url)
            .finish_non_exhaustive()
    }
}

impl MailConfig {
    /// Reads the configuration of a server that listens at `address`.
    pub(super) fn read(variables: &mut Variables<'_>, address: IpAddr) -> Option<Self> {
        let public_url = variables.parsed("PUBLIC_URL", PublicUrl::new);
        let allows_plaintext = variables.parsed(PLAINTEXT, yes_or_no).unwrap_or(false);
        let to_log = variables.parsed(TO_LOG, yes_or_no);
        let given = |variables: &Variables<'_>, name| variables.value(name).is_some();
        let is_sent = given(variables, URL);
        let url = variables.parsed(URL, |url| {
            if allows_plaintext {
                SmtpMailer::check_url(url)?;
            } else {
                SmtpMailer::check_confidential(url)?;
            }
            Ok::<_, InvalidMailSettings>(url.to_owned())
        });
        let from = variables.parsed(FROM, |from| {
            SmtpMailer::check_from(from).map(|()| from.to_owned())
        });
        if is_sent && to_log == Some(true) {
            return variables.fault(TO_LOG, "must not be yes if SMTP_URL is set");
        }
        // The log of a server on loopback is read on this machine only.
        let with_text = to_log.unwrap_or(address.is_loopback());
        let (mailer, delivery): (Arc<dyn Mailer>, _) = match (url, from) {
            (Some(url), Some(from)) => {
                let is_confidential = SmtpMailer::check_confidential(&url).is_ok();
                let mailer = variables.or_fault(URL, SmtpMailer::new(&url, &from))?;
                (Arc::new(mailer), MailDelivery::Smtp { is_confidential })
            }
            _ if is_sent && !given(variables, FROM) => {
                return variables.fault(FROM, "is required with SMTP_URL");
            }
            _ => (
                Arc::new(LogMailer { with_text }),
                MailDelivery::Log { with_text },
            ),
        };
        Some(Self {
            mailer,
            delivery,
            public_url,
        })
    }
}

fn yes_or_no(text: &str) -> Result<bool, &'static str> {
    match text {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => Err("must be yes or no"),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::MailDelivery;
    use crate::config::testing::read;

    #[test]
    fn without_a_server_mails_go_to_the_log() {
        let config = read(&[("PUBLIC_URL", "https://todo.example.com/")]).unwrap();
        assert_eq!(config.mail.delivery, MailDelivery::Log { with_text: true });
        let url = config.mail.public_url.unwrap();
        assert_eq!(url.to_string(), "https://todo.example.com");
    }

    #[test]
    fn with_a_server_mails_are_sent() {
        let config = read(&[
            ("SMTP_URL", "smtps://ada:hunter2@mail.example.com"),
            ("MAIL_FROM", "Todo <todo@example.com>"),
        ]);
        let config = config.unwrap();
        let is_confidential = true;
        assert_eq!(config.mail.delivery, MailDelivery::Smtp { is_confidential });
        assert!(!format!("{config:?}").contains("hunter2"));
    }

    #[rstest]
    #[case(&[("LISTEN", "[::1]:8000")], true)]
    #[case(&[("LISTEN", "0.0.0.0:8000")], false)]
    #[case(&[("LISTEN", "[::]:8000")], false)]
    #[case(&[("LISTEN", "0.0.0.0:8000"), ("MAILS_TO_LOG", "yes")], true)]
    #[case(&[("MAILS_TO_LOG", "no")], false)]
    fn texts_are_logged_on_loopback_or_where_it_is_configured(
        #[case] variables: &[(&str, &str)],
        #[case] with_text: bool,
    ) {
        let config = read(variables).unwrap();
        assert_eq!(config.mail.delivery, MailDelivery::Log { with_text });
    }

    #[test]
    fn plain_text_takes_a_variable_of_its_own() {
        let mut variables = vec![
            ("SMTP_URL", "smtp://ada:hunter2@relay:25"),
            ("MAIL_FROM", "todo@example.com"),
        ];
        let error = read(&variables).unwrap_err();
        assert!(
            error.0[0].starts_with("SMTP_URL must demand TLS"),
            "{error}"
        );
        assert!(!error.to_string().contains("hunter2"), "{error}");
        variables.push(("SMTP_ALLOW_PLAINTEXT", "yes"));
        let is_confidential = false;
        let delivery = read(&variables).unwrap().mail.delivery;
        assert_eq!(delivery, MailDelivery::Smtp { is_confidential });
    }

    #[rstest]
    #[case(&[("MAILS_TO_LOG", "maybe")], "MAILS_TO_LOG")]
    #[case(&[("SMTP_ALLOW_PLAINTEXT", "1")], "SMTP_ALLOW_PLAINTEXT")]
    #[case(
        &[("MAILS_TO_LOG", "yes"), ("SMTP_URL", "smtp://localhost"), ("MAIL_FROM", "todo@example.com")],
        "MAILS_TO_LOG"
    )]
    #[case(&[("SMTP_URL", "smtps://ada:hunter2@mail.example.com")], "MAIL_FROM")]
    #[case(&[("SMTP_URL", "ada:hunter2@mail"), ("MAIL_FROM", "todo@example.com")], "SMTP_URL")]
    #[case(&[("SMTP_URL", "smtp://localhost"), ("MAIL_FROM", "hunter2")], "MAIL_FROM")]
    #[case(&[("MAIL_FROM", "hunter2")], "MAIL_FROM")]
    #[case(&[("PUBLIC_URL", "todo.example.com")], "PUBLIC_URL")]
    fn what_cannot_be_used_is_named_and_no_secret_repeated(
        #[case] variables: &[(&str, &str)],
        #[case] expected: &str,
    ) {
        let error = read(variables).unwrap_err();
        assert_eq!(error.0.len(), 1, "{error}");
        assert!(error.0[0].starts_with(expected), "{error}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}
