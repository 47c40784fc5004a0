//! Making sure that whoever calls knows the password, before something that cannot be undone.

use todo_domain::{
    AccessProof, Credentials, PasswordAttempt,
    SecurityEventKind::LoginFailed,
    TooManyAttempts, User,
    ports::{ProofError, Verification},
};

use super::throttle::{GuardError, guard_confirmation};
use crate::{App, ServiceError, SessionCaller, security_event::event_by};

/// Why it is not sure.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConfirmPasswordError {
    /// The session was revoked meanwhile, or the account was deleted.
    #[error("the session or the account does not exist any more")]
    CallerMissing,
    /// It is another password, or the account has none.
    #[error("is not the password of the account")]
    WrongPassword,
    /// There were too many attempts through this session. Nothing was hashed.
    #[error(transparent)]
    TooManyAttempts(TooManyAttempts),
    /// The service failed.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

impl From<GuardError> for ConfirmPasswordError {
    fn from(error: GuardError) -> Self {
        match error {
            GuardError::TooMany(too_many) => Self::TooManyAttempts(too_many),
            GuardError::Service(failure) => Self::Service(failure),
        }
    }
}

impl From<ProofError> for ConfirmPasswordError {
    /// What was confirmed does not hold any more.
    fn from(error: ProofError) -> Self {
        match error {
            ProofError::UserMissing | ProofError::UserDisabled | ProofError::SessionEnded => {
                Self::CallerMissing
            }
            ProofError::PasswordChanged | ProofError::EmailChanged => Self::WrongPassword,
            ProofError::Storage(error) => Self::Service(error.into()),
            error => Self::Service(ServiceError::Internal(error.into())),
        }
    }
}

/// The caller, and the proof by session and password, if `attempt` is the password.
pub(super) fn confirm_password(
    app: &App,
    caller: &SessionCaller,
    attempt: &PasswordAttempt,
) -> Result<(User, AccessProof), ConfirmPasswordError> {
    let guess = guard_confirmation(app, caller)?;
    let Credentials {
        user,
        password_hash,
    } = app
        .users
        .find_credentials_of(caller.user_id())
        .map_err(ServiceError::from)?
        .ok_or(ConfirmPasswordError::CallerMissing)?;
    let Some(hash) = password_hash else {
        app.hasher
            .verify_nothing(attempt)
            .map_err(ServiceError::from)?;
        return Err(refused(app, caller));
    };
    match app
        .hasher
        .verify(attempt, &hash)
        .map_err(ServiceError::from)?
    {
        Verification::Right | Verification::RightButOutdated => {
            guess.succeed(app)?;
            Ok((user, caller.proof().with_password_hash(hash)))
        }
        Verification::Wrong => Err(refused(app, caller)),
    }
}

/// Records that whoever has the session did not know the password.
fn refused(app: &App, caller: &SessionCaller) -> ConfirmPasswordError {
    let event = event_by(app, caller, LoginFailed);
    match app.security_events.record(&event) {
        Ok(()) => ConfirmPasswordError::WrongPassword,
        Err(error) => ConfirmPasswordError::Service(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use todo_domain::{ThrottleKey, ThrottledAction};

    use super::*;
    use crate::testing::{
        Mocks, event, now, password_hash, session_caller, session_id, unavailable, user, user_id,
    };

    fn confirmed(
        found: Option<Credentials>,
        verification: Verification,
    ) -> Result<(User, AccessProof), ConfirmPasswordError> {
        let mut mocks = Mocks::at_now();
        mocks
            .security_events
            .expect_record()
            .withf(|recorded| *recorded == event(LoginFailed).of_session(session_id(1)))
            .times(usize::from(
                found.is_some() && verification == Verification::Wrong,
            ))
            .returning(|_| Ok(()));
        mocks
            .users
            .expect_find_credentials_of()
            .withf(|id| *id == user_id(1))
            .return_once(|_| Ok(found));
        mocks
            .hasher
            .expect_verify()
            .withf(|attempt, hash| attempt.expose() == "correct horse" && *hash == password_hash())
            .returning(move |_, _| Ok(verification));
        mocks.hasher.expect_verify_nothing().returning(|_| Ok(()));
        let attempt = PasswordAttempt::new("correct horse").unwrap();
        confirm_password(&mocks.unguarded().app(), &session_caller(), &attempt)
    }

    fn credentials() -> Credentials {
        Credentials {
            user: user(),
            password_hash: Some(password_hash()),
        }
    }

    #[test]
    fn the_right_password_gives_the_caller() {
        for verification in [Verification::Right, Verification::RightButOutdated] {
            let confirmed = confirmed(Some(credentials()), verification);
            let proof = session_caller().proof().with_password_hash(password_hash());
            assert_eq!(confirmed.unwrap(), (user(), proof));
        }
    }

    #[test]
    fn a_wrong_password_does_not_nor_one_where_there_is_none() {
        let without = Credentials {
            password_hash: None,
            ..credentials()
        };
        for found in [credentials(), without] {
            let error = confirmed(Some(found), Verification::Wrong).unwrap_err();
            assert!(matches!(error, ConfirmPasswordError::WrongPassword));
        }
    }

    #[test]
    fn an_account_deleted_meanwhile_is_said_to_be_gone() {
        let error = confirmed(None, Verification::Right).unwrap_err();
        assert!(matches!(error, ConfirmPasswordError::CallerMissing));
    }

    #[test]
    fn a_storage_that_is_away_is_a_failure() {
        let mut mocks = Mocks::at_now().unguarded();
        mocks
            .users
            .expect_find_credentials_of()
            .returning(|_| Err(unavailable()));
        let attempt = PasswordAttempt::new("correct horse").unwrap();
        let error = confirm_password(&mocks.app(), &session_caller(), &attempt).unwrap_err();
        assert!(matches!(
            error,
            ConfirmPasswordError::Service(ServiceError::Unavailable(_))
        ));
    }

    #[test]
    fn it_counts_for_the_session_until_it_is_right() {
        let of_session = ThrottleKey::session(ThrottledAction::Confirmation, session_id(1));
        let mut mocks = Mocks::at_now();
        mocks
            .users
            .expect_find_credentials_of()
            .return_once(|_| Ok(Some(credentials())));
        mocks
            .hasher
            .expect_verify()
            .returning(|_, _| Ok(Verification::Right));
        let counted = of_session.clone();
        mocks
            .guesses
            .expect_count()
            .withf(move |counters, at| {
                matches!(counters, [one] if one.subject == counted) && *at == now()
            })
            .once()
            .returning(|_, _| Ok(()));
        mocks
            .guesses
            .expect_succeed()
            .withf(move |cleared, taken_back, _| {
                cleared == [of_session.clone()] && taken_back.is_empty()
            })
            .once()
            .returning(|_, _, _| Ok(()));
        let attempt = PasswordAttempt::new("correct horse").unwrap();
        assert!(confirm_password(&mocks.app(), &session_caller(), &attempt).is_ok());
    }

    #[test]
    fn what_comes_too_early_is_neither_looked_up_nor_hashed() {
        let app = Mocks::at_now().guarded().app();
        let attempt = PasswordAttempt::new("correct horse").unwrap();
        let error = confirm_password(&app, &session_caller(), &attempt).unwrap_err();
        assert!(matches!(
            error,
            ConfirmPasswordError::TooManyAttempts(too_many)
                if too_many.purpose == ThrottledAction::Confirmation
        ));
    }
}
