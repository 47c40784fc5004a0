//! Whether mails are sent, and lead anywhere.

use super::Finding;
use crate::config::{MailConfig, MailDelivery};

const SUBJECT: &str = "mail";

pub(super) fn configuration(config: &MailConfig) -> Vec<Finding> {
    let mut findings = vec![delivery(config)];
    if let Some(url) = &config.public_url
        && !url.is_confidential()
    {
        findings.push(Finding::warning(
            SUBJECT,
            format!("{url} is not https, so that others can read the tokens of its links; set PUBLIC_URL to https://…"),
        ));
    }
    findings
}

fn delivery(config: &MailConfig) -> Finding {
    match (config.delivery, &config.public_url) {
        (MailDelivery::Log { with_text: true }, _) => Finding::warning(
            SUBJECT,
            "mails are written to the log, with the secrets in them, and not sent; set SMTP_URL and MAIL_FROM",
        ),
        (MailDelivery::Log { with_text: false }, _) => Finding::warning(
            SUBJECT,
            "no mail is sent, so that no password can be reset; set SMTP_URL and MAIL_FROM",
        ),
        (
            MailDelivery::Smtp {
                is_confidential: false,
            },
            _,
        ) => Finding::warning(
            SUBJECT,
            "mails, and the password of the mail server, can be read on the way; use smtps:// or ?tls=required in SMTP_URL",
        ),
        (MailDelivery::Smtp { .. }, None) => Finding::warning(
            SUBJECT,
            "mails are sent without links, with the tokens alone; set PUBLIC_URL where there is a front end",
        ),
        (MailDelivery::Smtp { .. }, Some(url)) => {
            Finding::ok(SUBJECT, format!("mails are sent, and link to {url}"))
        }
    }
}
