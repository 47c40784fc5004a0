//! The mails of the service.

use todo_domain::{Client, Email, Mail, PublicUrl, Secret, Timestamp, TokenPurpose};

/// The parts of a mail with a token that depend on its purpose.
struct Template {
    subject: &'static str,
    /// The reason of the mail.
    reason: &'static str,
    /// The page of the front end that accepts the token.
    page: &'static str,
    /// The name of the token.
    noun: &'static str,
    /// The lifetime of the token.
    validity: &'static str,
    /// The advice for a request by someone else.
    unexpected: &'static str,
}

impl Template {
    const IGNORE: &str = "If you did not request this, ignore this mail: nothing changes.";

    fn of(purpose: TokenPurpose) -> Self {
        match purpose {
            TokenPurpose::PasswordReset => Self {
                subject: "Reset your password",
                reason: "We received a request to reset the password of your account.",
                page: "reset-password",
                noun: "code",
                validity: "30 minutes",
                unexpected: Self::IGNORE,
            },
            TokenPurpose::EmailVerification => Self {
                subject: "Confirm your e-mail address",
                reason: "An account was created with this address. Please confirm that it is yours.",
                page: "verify-email",
                noun: "code",
                validity: "24 hours",
                unexpected: Self::IGNORE,
            },
            TokenPurpose::EmailChange => Self {
                subject: "Confirm your new e-mail address",
                reason: "We received a request to use this address for an existing account. Please confirm that it is \
                         yours.",
                page: "verify-email",
                noun: "code",
                validity: "24 hours",
                unexpected: Self::IGNORE,
            },
            TokenPurpose::EmailChangeCancellation => Self {
                subject: "Your e-mail address is about to change",
                reason: "We received a request to change the e-mail address of your account, made with your password. \
                         The address changes when the new one is confirmed.",
                page: "cancel-email-change",
                noun: "cancellation code",
                validity: "24 hours",
                unexpected: "If you requested this, no action is needed. If you did not, cancel the change now, and \
                             then reset your password: someone else knows it.",
            },
        }
    }
}

/// The mail with `secret`, and with a link to the front end if there is one.
pub(super) fn with_secret(
    to: Email,
    purpose: TokenPurpose,
    secret: &Secret,
    front_end: Option<&PublicUrl>,
) -> Mail {
    let Template {
        subject,
        reason,
        page,
        noun,
        validity,
        unexpected,
    } = Template::of(purpose);
    let secret = secret.expose();
    let link = front_end.map_or_else(String::new, |url| {
        let page = url.page(page);
        format!("Continue here:\n\n{page}?token={secret}\n\n")
    });
    let text = format!(
        "Hello,\n\n{reason}\n\n{link}The {noun} is:\n\n{secret}\n\n\
         It works once and expires in {validity}. Don't share it. If you requested several, use the latest.\n\n\
         {unexpected}\n"
    );
    Mail {
        to,
        subject: subject.to_owned(),
        text,
    }
}

/// The notice of a password reset.
pub(super) fn password_was_reset(to: Email) -> Mail {
    Mail {
        to,
        subject: "Your password was changed".to_owned(),
        text: "Hello,\n\n\
               The password of your account was reset with a code that was sent to this address. All sessions have \
               ended, and all personal access tokens are revoked.\n\n\
               If it was not you, reset your password now, and check who has access to your mailbox.\n"
            .to_owned(),
    }
}

/// Time and origin of an event.
pub(super) struct Occurrence<'a> {
    pub(super) at: Timestamp,
    pub(super) client: &'a Client,
}

/// A notice: the event, its time and origin, and advice.
fn notice(to: Email, subject: &str, what: &str, occurrence: &Occurrence<'_>, todo: &str) -> Mail {
    let Occurrence { at, client } = occurrence;
    let address = client
        .address
        .map_or_else(|| "unknown".to_owned(), |address| address.to_string());
    Mail {
        to,
        subject: subject.to_owned(),
        text: format!(
            "Hello,\n\n{what}\n\nTime: {at}\nNetwork address: {address}\n\n\
             If it was you, no action is needed. If it was not, {todo}\n"
        ),
    }
}

/// The notice of a password that was changed in a session.
pub(super) fn password_was_changed(to: Email, occurrence: &Occurrence<'_>) -> Mail {
    notice(
        to,
        "Your password was changed",
        "The password of your account was changed in a session, with the previous password. All other sessions have \
         ended.",
        occurrence,
        "reset your password now; this ends every session and revokes every personal access token.",
    )
}

/// The notice of a personal access token that was created.
pub(super) fn token_was_created(to: Email, occurrence: &Occurrence<'_>) -> Mail {
    notice(
        to,
        "A personal access token was created",
        "A personal access token was created for your account. It gives a program access to your tasks.",
        occurrence,
        "reset your password now; this ends every session and revokes every personal access token.",
    )
}

/// The notice of a login on an unknown device in an unknown network.
pub(super) fn new_login(to: Email, occurrence: &Occurrence<'_>) -> Mail {
    notice(
        to,
        "New login to your account",
        "There was a login to your account with its password, on a new device and in a new network.",
        occurrence,
        "reset your password now; this ends every session. Then check your security events.",
    )
}

/// The notice of a changed address, to the previous address. It does not reveal the new one.
pub(super) fn email_was_changed(to: Email) -> Mail {
    Mail {
        to,
        subject: "Your e-mail address was changed".to_owned(),
        text: "Hello,\n\n\
               The e-mail address of your account was changed. The change was requested with the password, and the \
               new address was confirmed. No further mail is sent to this address.\n\n\
               If it was not you, contact the operator of this service.\n"
            .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{email, secret};

    #[test]
    fn the_secret_is_in_the_mail_by_itself_and_in_the_link() {
        let url = PublicUrl::new("https://todo.example.com/").unwrap();
        for (purpose, page) in [
            (TokenPurpose::PasswordReset, "reset-password"),
            (TokenPurpose::EmailVerification, "verify-email"),
            (TokenPurpose::EmailChange, "verify-email"),
            (TokenPurpose::EmailChangeCancellation, "cancel-email-change"),
        ] {
            let secret = secret(purpose.secret_kind());
            let mail = with_secret(email(), purpose, &secret, Some(&url));
            let link = format!(
                "\nhttps://todo.example.com/{page}?token={}\n",
                secret.expose()
            );
            assert!(mail.text.contains(&link), "{}", mail.text);
            assert!(mail.text.contains(&format!("\n{}\n", secret.expose())));
            let minutes = purpose.lifetime().as_secs() / 60;
            let lifetime = match minutes {
                30 => "30 minutes",
                _ => "24 hours",
            };
            assert!(mail.text.contains(lifetime));
            let without = with_secret(email(), purpose, &secret, None);
            assert!(!without.text.contains("http"));
            assert!(without.text.contains(secret.expose()));
        }
    }
}
