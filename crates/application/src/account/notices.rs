//! Notices: mails that tell a user what happened to the account (OWASP ASVS 5.0, 6.3.5 and 6.3.7).
//!
//! They are sent to the address of the account, confirmed or not. Each kind is limited for each account, so that whoever
//! has got hold of it cannot flood the mailbox. The security events tell the rest.

use std::time::Duration;

use todo_domain::{
    AttemptCounter, AttemptLimit, Client, Email, Mail, NoticeKind, ThrottleKey, Timestamp, UserId,
    ports::CountGuessError,
};

use super::mails::{Occurrence, new_login, password_was_changed, token_was_created};
use crate::{App, ServiceError};

/// The limit of one kind of notices to an account: ten, and then none for 24 hours.
const PER_ACCOUNT: AttemptLimit = AttemptLimit {
    without_delay: 9,
    forgets_one_in: DAY,
    fixed_delay: Some(DAY),
};

/// The limit of notices of new logins from one network to an account: one in 24 hours.
const PER_NETWORK: AttemptLimit = AttemptLimit {
    without_delay: 0,
    ..PER_ACCOUNT
};

const DAY: Duration = Duration::from_hours(24);

/// Something of which a user is notified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    kind: NoticeKind,
    to: Recipient,
    client: Client,
    at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Recipient {
    /// The address that the account had then.
    Email(Email),
    /// The address that the account has.
    User(UserId),
}

/// Why a notice was not sent.
#[derive(Debug, thiserror::Error)]
pub enum NotifyError {
    /// The service failed.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

impl Notice {
    /// The password of the account with this address was changed.
    pub(super) fn password_changed(app: &App, email: Email, client: &Client) -> Self {
        Self::new(
            app,
            NoticeKind::PasswordChanged,
            Recipient::Email(email),
            client,
        )
    }

    /// A personal access token of the user was created.
    pub(super) fn token_created(app: &App, user_id: UserId, client: &Client) -> Self {
        Self::new(
            app,
            NoticeKind::TokenCreated,
            Recipient::User(user_id),
            client,
        )
    }

    /// A session began on a device and in a network that the account does not know.
    pub(super) fn new_login(app: &App, email: Email, client: &Client) -> Self {
        Self::new(app, NoticeKind::NewLogin, Recipient::Email(email), client)
    }

    fn new(app: &App, kind: NoticeKind, to: Recipient, client: &Client) -> Self {
        Self {
            kind,
            to,
            client: client.clone(),
            at: app.clock.now(),
        }
    }

    fn mail(&self, to: Email) -> Mail {
        let occurrence = Occurrence {
            at: self.at,
            client: &self.client,
        };
        match self.kind {
            NoticeKind::PasswordChanged => password_was_changed(to, &occurrence),
            NoticeKind::TokenCreated => token_was_created(to, &occurrence),
            NoticeKind::NewLogin => new_login(to, &occurrence),
        }
    }
}

/// Sends a notice, unless too many of its kind were sent to the account, or it was deleted. `false` if nothing was sent.
/// This is to run after the response.
///
/// # Errors
/// [`NotifyError`].
pub fn notify(app: &App, notice: &Notice) -> Result<bool, NotifyError> {
    let to = match &notice.to {
        Recipient::Email(email) => Some(email.clone()),
        Recipient::User(id) => {
            let found = app.users.find(*id).map_err(ServiceError::from)?;
            found.map(|user| user.email)
        }
    };
    let Some(to) = to else {
        return Ok(false);
    };
    let about = match notice.kind {
        NoticeKind::PasswordChanged | NoticeKind::TokenCreated => None,
        NoticeKind::NewLogin => notice.client.address,
    };
    let mut counters = vec![AttemptCounter {
        subject: ThrottleKey::notice(notice.kind, &to, None),
        limit: PER_ACCOUNT,
    }];
    counters.extend(about.map(|address| AttemptCounter {
        subject: ThrottleKey::notice(notice.kind, &to, Some(address)),
        limit: PER_NETWORK,
    }));
    match app.guesses.count(&counters, app.clock.now()) {
        Ok(()) => {}
        Err(CountGuessError::TooMany(_)) => return Ok(false),
        Err(CountGuessError::Storage(error)) => return Err(ServiceError::from(error).into()),
        Err(error) => return Err(ServiceError::Internal(error.into()).into()),
    }
    app.mailer
        .send(&notice.mail(to))
        .map_err(ServiceError::from)?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use todo_domain::{ThrottledAction, TooManyAttempts};

    use super::*;
    use crate::testing::{Mocks, client, email, now, unavailable, user, user_id};

    type Make = fn(&App) -> Notice;

    fn notices() -> [(Make, &'static str); 3] {
        [
            (
                |app| Notice::password_changed(app, email(), &client()),
                "Your password was changed",
            ),
            (
                |app| Notice::token_created(app, user_id(1), &client()),
                "A personal access token was created",
            ),
            (
                |app| Notice::new_login(app, email(), &client()),
                "New login to your account",
            ),
        ]
    }

    #[test]
    fn each_is_mailed_to_the_account_and_says_when_and_where() {
        for (notice, subject) in notices() {
            let mut mocks = Mocks::at_now();
            mocks.users.expect_find().returning(|_| Ok(Some(user())));
            mocks
                .guesses
                .expect_count()
                .withf(|counters, at| {
                    let of_account = ThrottleKey::notice(NoticeKind::NewLogin, &email(), None);
                    let expected = if counters[0].subject == of_account {
                        2
                    } else {
                        1
                    };
                    counters.len() == expected
                        && counters[0].subject.purpose() == ThrottledAction::Notice
                        && *at == now()
                })
                .once()
                .returning(|_, _| Ok(()));
            mocks
                .mailer
                .expect_send()
                .withf(move |mail| {
                    mail.to == email()
                        && mail.subject == subject
                        && mail.text.contains(&now().to_string())
                        && mail.text.contains("192.0.2.1")
                })
                .once()
                .returning(|_| Ok(()));
            let app = mocks.app();
            let notice = notice(&app);
            assert!(notify(&app, &notice).unwrap());
        }
    }

    #[test]
    fn a_login_is_counted_for_its_network_as_well_and_one_too_many_is_not_mailed() {
        let expected = [
            AttemptCounter {
                subject: ThrottleKey::notice(NoticeKind::NewLogin, &email(), None),
                limit: PER_ACCOUNT,
            },
            AttemptCounter {
                subject: ThrottleKey::notice(NoticeKind::NewLogin, &email(), client().address),
                limit: PER_NETWORK,
            },
        ];
        let mut mocks = Mocks::at_now();
        mocks
            .guesses
            .expect_count()
            .withf(move |counters, _| *counters == expected)
            .once()
            .returning(|counters, _| {
                Err(CountGuessError::TooMany(TooManyAttempts {
                    purpose: ThrottledAction::Notice,
                    retry_after: DAY,
                    limit: counters[1].limit,
                }))
            });
        let app = mocks.app();
        let notice = Notice::new_login(&app, email(), &client());
        assert!(!notify(&app, &notice).unwrap());
    }

    #[test]
    fn an_account_deleted_meanwhile_gets_none() {
        let mut mocks = Mocks::at_now();
        mocks.users.expect_find().returning(|_| Ok(None));
        let app = mocks.app();
        let notice = Notice::token_created(&app, user_id(1), &client());
        assert!(!notify(&app, &notice).unwrap());
    }

    #[test]
    fn a_storage_that_is_away_is_a_failure() {
        let mut mocks = Mocks::at_now();
        mocks
            .guesses
            .expect_count()
            .returning(|_, _| Err(CountGuessError::Storage(unavailable())));
        let app = mocks.app();
        let notice = Notice::password_changed(&app, email(), &client());
        assert!(notify(&app, &notice).is_err());
    }
}
