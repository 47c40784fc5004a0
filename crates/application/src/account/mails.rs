//! What the service writes to its users.

use todo_domain::{Email, Mail, MailPurpose, PublicUrl, Secret};

/// The mail by which `secret` gets to `to`. The link is for people; without a front end, the secret itself is there too.
pub(super) fn with_secret(
    to: Email,
    purpose: MailPurpose,
    secret: &Secret,
    front_end: Option<&PublicUrl>,
) -> Mail {
    let (subject, wish, page, hours_or_minutes) = match purpose {
        MailPurpose::PasswordReset => (
            "Choose a new password",
            "Someone, you we hope, wants to choose a new password for the account with this address.",
            "reset-password",
            "30 minutes",
        ),
        MailPurpose::EmailVerification => (
            "Confirm your e-mail address",
            "An account was made with this address. Please confirm that it is yours.",
            "verify-email",
            "24 hours",
        ),
        MailPurpose::EmailChange => (
            "Confirm your new e-mail address",
            "Someone, you we hope, wants this to be the address of an account. Please confirm that it is yours.",
            "verify-email",
            "24 hours",
        ),
    };
    let secret = secret.expose();
    let link = front_end.map_or_else(String::new, |url| {
        let page = url.page(page);
        format!("Go on here:\n\n{page}?token={secret}\n\n")
    });
    let text = format!(
        "Hello,\n\n{wish}\n\n{link}The token is:\n\n{secret}\n\n\
         It works once, within {hours_or_minutes}, and only if it is that of the last mail. Tell it nobody.\n\n\
         If it was not you, do nothing: then nothing changes.\n"
    );
    Mail {
        to,
        subject: subject.to_owned(),
        text,
    }
}

/// The mail that tells a user that someone chose a new password.
pub(super) fn password_was_reset(to: Email) -> Mail {
    Mail {
        to,
        subject: "Your password was changed".to_owned(),
        text: "Hello,\n\n\
               a new password was chosen for the account with this address, by a mail that was sent here. Wherever you \
               were logged in, you are not any more, and no access token counts any more.\n\n\
               If it was not you, ask for a new password at once, and see who else reads your mail.\n"
            .to_owned(),
    }
}

/// The mail that tells a user at the former address that the account has another one. Which, is not said.
pub(super) fn email_was_changed(to: Email) -> Mail {
    Mail {
        to,
        subject: "Your e-mail address was changed".to_owned(),
        text: "Hello,\n\n\
               the account that had this address has another one now, and gets no more mail here. Someone who knew the \
               password asked for that, and confirmed the new address.\n\n\
               If it was not you, ask whoever runs this service for help.\n"
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
            (MailPurpose::PasswordReset, "reset-password"),
            (MailPurpose::EmailVerification, "verify-email"),
            (MailPurpose::EmailChange, "verify-email"),
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
