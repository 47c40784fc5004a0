//! Logging in.

#[cfg(test)]
mod tests;

use std::time::Duration;

use todo_domain::{
    AccessProof, AccessToken, Client, Credentials, Email, PasswordAttempt, PasswordHash, Secret,
    SecurityEventKind, TooManyAttempts, User, UserId,
    ports::{ProofError, Verification},
};

use super::{
    SignedIn, TokenDelivery,
    login_limits::TooManyLogins,
    notices::Notice,
    renew_hash::renew_hash,
    signed_in::begin_session,
    throttle::{GuardError, guard_login},
};
use crate::{App, ServiceError, security_event::event};

/// What a login needs.
#[derive(Debug, Clone)]
pub struct Login {
    /// The address of the account.
    pub email: Email,
    /// What was typed as its password.
    pub password: PasswordAttempt,
    /// Who is to keep the token.
    pub keeper: TokenDelivery,
    /// What the device shows to be known again.
    pub device: Option<Secret>,
    /// The session cookie that the browser showed and that the new one overwrites.
    pub replaced_cookie: Option<AccessToken>,
}

/// A login that succeeded.
#[derive(Debug)]
pub struct LoggedIn {
    /// Who logged in, and the session that began.
    pub signed_in: SignedIn,
    /// What the device is to show to be known again.
    pub device: Secret,
    /// The notice for the user, if neither the device nor the network was known to the account.
    pub notice: Option<Notice>,
    /// Why an outdated hash of the password is kept, for the log. Whoever logs in need not care: it still counts, and
    /// the next login tries to renew it again.
    pub hash_not_renewed: Option<ServiceError>,
    /// Why the throttle still counts this login as a failed one, for the log.
    pub throttle_not_reset: Option<ServiceError>,
}

/// Why nobody was logged in.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// There is no such account, or it has another password, or none; which of these is not said.
    #[error("the address or the password is wrong")]
    InvalidCredentials {
        /// The time to wait before it is said, so that the time does not tell it either.
        rest: Duration,
    },
    /// The password is right, but an operator disabled the account. Nobody learns that who does not know the password.
    #[error("the account is disabled")]
    AccountDisabled,
    /// There were too many attempts, whether or not there is such an account. Nothing was hashed.
    #[error(transparent)]
    TooManyAttempts(TooManyAttempts),
    /// Too many logins are in flight or succeeded, whether or not there is such an account. Nothing was hashed.
    #[error(transparent)]
    TooManyLogins(#[from] TooManyLogins),
    /// The service failed.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

impl From<GuardError> for LoginError {
    fn from(error: GuardError) -> Self {
        match error {
            GuardError::TooMany(too_many) => Self::TooManyAttempts(too_many),
            GuardError::Service(failure) => Self::Service(failure),
        }
    }
}

/// The number of times that a password is verified for one login: once more when the hash was replaced meanwhile, as
/// another login does that renews it.
const VERIFICATIONS: usize = 2;

/// Begins a session for whoever knows an account's password, and renews the hash of the password if it is outdated.
///
/// The session begins only if the account still has the hash that was verified: no login with the old password survives a
/// change of the password, however long it was under way.
///
/// It takes the same time whether or not the account exists, with what is [left to wait](LoginError::InvalidCredentials) by
/// the caller, unless its hash is by Argon2id and costs other than those of today.
///
/// An attempt that is refused for being too early is no event, lest whoever makes many fill the storage; those before
/// it are.
///
/// # Errors
/// [`LoginError`].
pub fn login(app: &App, client: &Client, input: &Login) -> Result<LoggedIn, LoginError> {
    let (guess, mut permit) = guard_login(app, &input.email, client, input.device.as_ref())?;
    for _ in 0..VERIFICATIONS {
        let verified = verify(app, client, input)?;
        let Some(signed_in) = begin(app, client, input, &verified)? else {
            continue;
        };
        permit.succeed();
        let device = guess.device(app)?;
        let notice = (!guess.is_known())
            .then(|| Notice::new_login(app, verified.user.email.clone(), client));
        // After the session, since a password that has changed meanwhile proves nothing.
        let throttle_not_reset = guess
            .making_known(&input.email, client, &device)
            .succeed(app)
            .err();
        let hash_not_renewed = if verified.is_outdated {
            renew_hash(app, verified.user.id, &input.password, &verified.hash).err()
        } else {
            None
        };
        return Ok(LoggedIn {
            signed_in,
            device,
            notice,
            hash_not_renewed,
            throttle_not_reset,
        });
    }
    let user = app.users.find_credentials(&input.email);
    let user_id = user.map_err(ServiceError::from)?.map(|found| found.user.id);
    Err(refused(app, user_id, client, Duration::ZERO))
}

/// A user whose password was verified.
struct Verified {
    user: User,
    /// The hash that it was verified against.
    hash: PasswordHash,
    is_outdated: bool,
}

/// Verifies the password against the hash that the account has now.
fn verify(app: &App, client: &Client, input: &Login) -> Result<Verified, LoginError> {
    let credentials = app
        .users
        .find_credentials(&input.email)
        .map_err(ServiceError::from)?;
    let user_id = credentials.as_ref().map(|found| found.user.id);
    let began = app.clock.now();
    let Some(Credentials {
        user,
        password_hash: Some(hash),
    }) = credentials
    else {
        app.hasher
            .verify_nothing(&input.password)
            .map_err(ServiceError::from)?;
        let took = began.until(app.clock.now());
        return Err(refused(app, user_id, client, took));
    };
    let verification = app
        .hasher
        .verify(&input.password, &hash)
        .map_err(ServiceError::from)?;
    let took = began.until(app.clock.now());
    if hash.is_bcrypt() {
        app.failed_login_floor.observe_bcrypt(took);
    }
    match verification {
        Verification::Wrong => Err(refused(app, user_id, client, took)),
        Verification::Right | Verification::RightButOutdated => Ok(Verified {
            user,
            hash,
            is_outdated: verification == Verification::RightButOutdated,
        }),
    }
}

/// Begins a session; `None` when the hash that was verified is not that of the account any more.
fn begin(
    app: &App,
    client: &Client,
    input: &Login,
    verified: &Verified,
) -> Result<Option<SignedIn>, LoginError> {
    let user = &verified.user;
    let kind = SecurityEventKind::LoggedIn;
    let start = begin_session(app, user.id, client, kind, input.replaced_cookie.as_ref())?;
    let (session, now) = (start.session.clone(), start.session.created_at);
    let signed_in = SignedIn::new(app, user.clone(), session, input.keeper, now)?;
    let proof = AccessProof::new(user.id).with_password_hash(verified.hash.clone());
    match app.sessions.insert(&start, &proof) {
        Ok(()) => Ok(Some(signed_in)),
        Err(ProofError::Storage(error)) => Err(LoginError::Service(error.into())),
        Err(ProofError::UserDisabled) => {
            record_failed(app, Some(user.id), client)?;
            Err(LoginError::AccountDisabled)
        }
        Err(_) => Ok(None),
    }
}

/// Records a failed login. The client is told no more about it. Verifying the password took `took`.
fn refused(app: &App, user_id: Option<UserId>, client: &Client, took: Duration) -> LoginError {
    match record_failed(app, user_id, client) {
        Ok(()) => LoginError::InvalidCredentials {
            rest: app.failed_login_floor.rest(took),
        },
        Err(failure) => LoginError::Service(failure),
    }
}

/// Records a failed login.
fn record_failed(app: &App, user_id: Option<UserId>, client: &Client) -> Result<(), ServiceError> {
    let kind = SecurityEventKind::LoginFailed;
    let event = event(app, kind, user_id, client, app.clock.now());
    Ok(app.security_events.record(&event)?)
}
