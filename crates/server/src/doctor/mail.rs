//! Whether mails are sent, and lead anywhere.

use super::Finding;
use crate::config::MailConfig;

const SUBJECT: &str = "mail";

pub(super) fn configuration(config: &MailConfig) -> Finding {
    match (config.is_sent, &config.public_url) {
        (false, _) => Finding::warning(
            SUBJECT,
            "mails are written to the log, with the secrets in them, and not sent; set SMTP_URL and MAIL_FROM",
        ),
        (true, None) => Finding::warning(
            SUBJECT,
            "mails are sent without links, with the tokens alone; set PUBLIC_URL where there is a front end",
        ),
        (true, Some(url)) => Finding::ok(SUBJECT, format!("mails are sent, and link to {url}")),
    }
}
