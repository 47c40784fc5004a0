//! Cancelling a pending change of the address.

use todo_domain::{
    Client, Secret, SecurityEventKind::EmailChangeCancelled, TokenPurpose, ports::ProofError,
};

use crate::{
    App, ServiceError, SessionCaller,
    security_event::{event, event_by},
};

/// Why a change was not cancelled.
#[derive(Debug, thiserror::Error)]
pub enum CancelEmailChangeError {
    /// The secret was never made, was used, has expired, or the change it cancels is not pending any more; which of these
    /// is not said.
    #[error("the token is not valid any more")]
    InvalidToken,
    /// No change is pending.
    #[error("no change of the address is pending")]
    NotPending,
    /// The session was revoked meanwhile, or the account was deleted.
    #[error("the session or the account does not exist any more")]
    CallerMissing,
    /// The service failed.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

/// Cancels the pending change of the address with the secret that was mailed to the present address.
///
/// # Errors
/// [`CancelEmailChangeError`].
pub fn cancel_email_change(
    app: &App,
    client: &Client,
    secret: &Secret,
) -> Result<(), CancelEmailChangeError> {
    let now = app.clock.now();
    let kept = app
        .mailed_secrets
        .find(&app.secrets.digest(secret))
        .map_err(ServiceError::from)?
        .filter(|kept| kept.purpose == TokenPurpose::EmailChangeCancellation && kept.is_live(now))
        .ok_or(CancelEmailChangeError::InvalidToken)?;
    let event = event(app, EmailChangeCancelled, Some(kept.user_id), client, now);
    let cancelled = app
        .mailed_secrets
        .cancel_email_change(&kept, now, &event)
        .map_err(ServiceError::from)?;
    if cancelled {
        Ok(())
    } else {
        Err(CancelEmailChangeError::InvalidToken)
    }
}

/// Cancels the pending change of the address of the caller's account.
///
/// # Errors
/// [`CancelEmailChangeError`].
pub fn withdraw_email_change(
    app: &App,
    caller: &SessionCaller,
) -> Result<(), CancelEmailChangeError> {
    let event = event_by(app, caller, EmailChangeCancelled);
    match app
        .mailed_secrets
        .withdraw_email_change(&caller.proof(), &event)
    {
        Ok(true) => Ok(()),
        Ok(false) => Err(CancelEmailChangeError::NotPending),
        Err(ProofError::Storage(error)) => Err(ServiceError::from(error).into()),
        Err(_) => Err(CancelEmailChangeError::CallerMissing),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use todo_domain::{EmailToken, SecretKind};

    use super::*;
    use crate::testing::{
        Mocks, client, digest, event, mailed_secret, now, secret, session_caller, session_id,
        unavailable,
    };

    fn cancelled(
        found: Option<EmailToken>,
        answer: Option<bool>,
    ) -> Result<(), CancelEmailChangeError> {
        let mut mocks = Mocks::at_now();
        mocks.secrets.expect_digest().return_const(digest());
        mocks
            .mailed_secrets
            .expect_find()
            .withf(|wanted| *wanted == digest())
            .return_once(move |_| Ok(found));
        if let Some(answer) = answer {
            mocks
                .mailed_secrets
                .expect_cancel_email_change()
                .withf(|kept, at, recorded| {
                    *kept == mailed_secret(TokenPurpose::EmailChangeCancellation)
                        && *at == now()
                        && *recorded == event(EmailChangeCancelled)
                })
                .once()
                .return_once(move |_, _, _| Ok(answer));
        }
        let secret = secret(SecretKind::EmailChangeCancellation);
        cancel_email_change(&mocks.app(), &client(), &secret)
    }

    #[test]
    fn the_secret_cancels_the_change() {
        let kept = mailed_secret(TokenPurpose::EmailChangeCancellation);
        assert!(cancelled(Some(kept), Some(true)).is_ok());
    }

    #[rstest]
    #[case::unknown(None, None)]
    #[case::expired(Some(EmailToken { expires_at: now(), ..mailed_secret(TokenPurpose::EmailChangeCancellation) }), None)]
    #[case::of_another_purpose(Some(mailed_secret(TokenPurpose::EmailChange)), None)]
    #[case::used_meanwhile(
        Some(mailed_secret(TokenPurpose::EmailChangeCancellation)),
        Some(false)
    )]
    fn an_invalid_secret_is_refused(
        #[case] found: Option<EmailToken>,
        #[case] answer: Option<bool>,
    ) {
        let error = cancelled(found, answer).unwrap_err();
        assert!(matches!(error, CancelEmailChangeError::InvalidToken));
    }

    fn withdrawn(answer: Result<bool, ProofError>) -> Result<(), CancelEmailChangeError> {
        let mut mocks = Mocks::at_now();
        mocks
            .mailed_secrets
            .expect_withdraw_email_change()
            .withf(|proof, recorded| {
                *proof == session_caller().proof()
                    && *recorded == event(EmailChangeCancelled).of_session(session_id(1))
            })
            .once()
            .return_once(|_, _| answer);
        withdraw_email_change(&mocks.app(), &session_caller())
    }

    #[test]
    fn a_session_cancels_the_change_of_its_account() {
        assert!(withdrawn(Ok(true)).is_ok());
        let error = withdrawn(Ok(false)).unwrap_err();
        assert!(matches!(error, CancelEmailChangeError::NotPending));
        let error = withdrawn(Err(ProofError::SessionEnded)).unwrap_err();
        assert!(matches!(error, CancelEmailChangeError::CallerMissing));
        let error = withdrawn(Err(unavailable().into())).unwrap_err();
        assert!(matches!(
            error,
            CancelEmailChangeError::Service(ServiceError::Unavailable(_))
        ));
    }
}
