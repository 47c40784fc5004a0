//! How mails are sent, and what they link to.

use std::{fmt, sync::Arc};

use todo_domain::{PublicUrl, ports::Mailer};
use todo_infra::{LogMailer, SmtpMailer};

use super::Variables;

/// Mails: where they go, and where they link to.
pub(crate) struct MailConfig {
    pub(crate) mailer: Arc<dyn Mailer>,
    /// Whether mails are sent; else they are written to the log.
    pub(crate) is_sent: bool,
    /// The front end, if there is one.
    pub(crate) public_url: Option<PublicUrl>,
}

impl fmt::Debug for MailConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MailConfig")
            .field("is_sent", &self.is_sent)
            .field("public_url", &self.public_url)
            .finish_non_exhaustive()
    }
}

impl MailConfig {
    pub(super) fn read(variables: &mut Variables<'_>) -> Option<Self> {
        let public_url = variables.parsed("PUBLIC_URL", PublicUrl::new);
        let url = variables.parsed("SMTP_URL", |url| {
            SmtpMailer::check_url(url).map(|()| url.to_owned())
        });
        let from = variables.parsed("MAIL_FROM", |from| {
            SmtpMailer::check_from(from).map(|()| from.to_owned())
        });
        let given = |name| variables.value(name).is_some();
        let is_sent = given("SMTP_URL");
        let mailer: Arc<dyn Mailer> = match (url, from) {
            (Some(url), Some(from)) => {
                Arc::new(variables.or_fault("SMTP_URL", SmtpMailer::new(&url, &from))?)
            }
            _ if is_sent && !given("MAIL_FROM") => {
                return variables.fault("MAIL_FROM", "must be set, since SMTP_URL is");
            }
            _ => Arc::new(LogMailer),
        };
        Some(Self {
            mailer,
            is_sent,
            public_url,
        })
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use crate::config::testing::read;

    #[test]
    fn without_a_server_mails_go_to_the_log() {
        let config = read(&[("PUBLIC_URL", "https://todo.example.com/")]).unwrap();
        assert!(!config.mail.is_sent);
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
        assert!(config.mail.is_sent);
        assert!(!format!("{config:?}").contains("hunter2"));
    }

    #[rstest]
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
