//! Finding out whose personal access token is shown.

use todo_domain::{Scope, Secret, TokenWithSettings};

use super::{AuthenticateError, Authenticated};
use crate::{App, Caller, ServiceError};

/// Finds out who shows `secret`, and that it still counts and is good for `scope`.
pub(super) fn authenticate_token(
    app: &App,
    secret: &Secret,
    scope: Scope,
) -> Result<Authenticated<Caller>, AuthenticateError> {
    let TokenWithSettings { token, settings } = find_live(app, secret)?;
    if !token.allows(scope) {
        return Err(AuthenticateError::InsufficientScope { needed: scope });
    }
    let now = app.clock.now();
    let use_not_recorded = if token.is_use_to_be_recorded(now) {
        let recorded = app.personal_access_tokens.record_use(token.id, now);
        recorded.err().map(ServiceError::from)
    } else {
        None
    };
    Ok(Authenticated {
        caller: Caller::Known {
            user_id: token.user_id,
            settings,
        },
        use_not_recorded,
    })
}

/// The token whose secret this is, if it still counts.
pub(super) fn find_live(
    app: &App,
    secret: &Secret,
) -> Result<TokenWithSettings, AuthenticateError> {
    let now = app.clock.now();
    app.personal_access_tokens
        .find(&app.secrets.digest(secret))
        .map_err(ServiceError::from)?
        .filter(|found| found.token.is_live(now))
        .ok_or(AuthenticateError::TokenEnded)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rstest::rstest;
    use todo_domain::{
        PersonalAccessToken,
        Scope::{ReadTodos, WriteTodos},
        Timestamp, UserSettings,
        ports::StorageError,
    };

    use super::super::{Credential, authenticate_session};
    use super::*;
    use crate::testing::{
        Mocks, caller, client, digest, now, personal_access_token, secret, token_id, unavailable,
    };

    fn shown(mocks: Mocks, scope: Scope) -> Result<Authenticated<Caller>, AuthenticateError> {
        let secret = secret(todo_domain::SecretKind::PersonalAccessToken);
        authenticate_token(&mocks.app(), &secret, scope)
    }

    /// Mocks where this is found, in one look, by the digest of the secret.
    fn found(
        token: impl FnOnce() -> Result<Option<PersonalAccessToken>, StorageError> + Send + 'static,
    ) -> Mocks {
        let mut mocks = Mocks::at_now();
        mocks.secrets.expect_digest().return_const(digest());
        mocks
            .personal_access_tokens
            .expect_find()
            .withf(|shown| *shown == digest())
            .once()
            .return_once(|_| {
                let settings = UserSettings::default();
                let found = token()?.map(|token| TokenWithSettings { token, settings });
                Ok(found)
            });
        mocks
    }

    fn last_used(at: Timestamp) -> PersonalAccessToken {
        PersonalAccessToken {
            last_used_at: Some(at),
            ..personal_access_token()
        }
    }

    #[test]
    fn a_live_token_tells_who_calls() {
        let mocks = found(|| Ok(Some(last_used(now()))));
        let authenticated = shown(mocks, ReadTodos).unwrap();
        assert_eq!(authenticated.caller, caller());
        assert!(authenticated.use_not_recorded.is_none());
    }

    #[rstest]
    #[case::unknown(None)]
    #[case::expired(Some(PersonalAccessToken { expires_at: now(), ..personal_access_token() }))]
    fn a_token_that_does_not_count_is_refused(#[case] token: Option<PersonalAccessToken>) {
        let expected = token.clone();
        let error = shown(found(|| Ok(token)), WriteTodos).unwrap_err();
        assert!(matches!(error, AuthenticateError::TokenEnded));
        let credential =
            Credential::PersonalAccessToken(secret(todo_domain::SecretKind::PersonalAccessToken));
        let app = found(|| Ok(expected)).app();
        let error = authenticate_session(&app, &credential, &client()).unwrap_err();
        assert!(matches!(error, AuthenticateError::TokenEnded));
    }

    #[test]
    fn it_is_good_for_no_other_scope_and_such_a_use_is_not_recorded() {
        let error = shown(found(|| Ok(Some(personal_access_token()))), WriteTodos).unwrap_err();
        assert!(matches!(
            error,
            AuthenticateError::InsufficientScope { needed: WriteTodos }
        ));
    }

    #[test]
    fn it_never_stands_for_a_session() {
        let credential =
            Credential::PersonalAccessToken(secret(todo_domain::SecretKind::PersonalAccessToken));
        let app = found(|| Ok(Some(personal_access_token()))).app();
        let error = authenticate_session(&app, &credential, &client()).unwrap_err();
        assert!(matches!(error, AuthenticateError::SessionNeeded));
    }

    /// Mocks where the token was used a minute ago, and that is to be recorded.
    fn used_a_minute_ago(
        recorded: impl FnOnce() -> Result<(), StorageError> + Send + 'static,
    ) -> Mocks {
        let minute_ago = now().saturating_sub(Duration::from_mins(1));
        let mut mocks = found(move || Ok(Some(last_used(minute_ago))));
        mocks
            .personal_access_tokens
            .expect_record_use()
            .withf(|id, at| *id == token_id(1) && *at == now())
            .once()
            .return_once(|_, _| recorded());
        mocks
    }

    #[test]
    fn a_use_of_it_is_recorded_from_time_to_time() {
        let authenticated = shown(used_a_minute_ago(|| Ok(())), ReadTodos).unwrap();
        assert!(authenticated.use_not_recorded.is_none());
    }

    #[test]
    fn a_use_of_it_that_cannot_be_recorded_keeps_nobody_out() {
        let mocks = used_a_minute_ago(|| Err(unavailable()));
        let authenticated = shown(mocks, ReadTodos).unwrap();
        assert_eq!(authenticated.caller, caller());
        assert!(matches!(
            authenticated.use_not_recorded,
            Some(ServiceError::Unavailable(_))
        ));
    }

    #[test]
    fn a_storage_that_is_away_is_a_failure_and_not_a_token_that_has_ended() {
        assert!(matches!(
            shown(found(|| Err(unavailable())), ReadTodos),
            Err(AuthenticateError::Service(ServiceError::Unavailable(_)))
        ));
    }
}
