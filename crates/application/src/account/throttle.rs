//! Keeping passwords from being guessed, and what is costly from being asked for too often.

use todo_domain::{
    AttemptCounter, AttemptLimit, Client, Email, Secret, SecretKind, ThrottleKey, ThrottledAction,
    TooManyAttempts, ports::CountGuessError,
};

use super::{LoginError, login_limits::LoginPermit};
use crate::{App, ServiceError, SessionCaller};

/// Why a guess may not be made.
#[derive(Debug, thiserror::Error)]
pub(super) enum GuardError {
    /// It comes too early.
    #[error(transparent)]
    TooMany(TooManyAttempts),
    /// The service failed.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

impl From<CountGuessError> for GuardError {
    fn from(error: CountGuessError) -> Self {
        match error {
            CountGuessError::TooMany(too_many) => Self::TooMany(too_many),
            CountGuessError::Storage(error) => Self::Service(error.into()),
            error => Self::Service(ServiceError::Internal(error.into())),
        }
    }
}

/// A guess that may be made, and counts as a failure until it is said to have succeeded.
#[derive(Debug)]
pub(super) struct Guess {
    cleared: Vec<ThrottleKey>,
    taken_back: Vec<ThrottleKey>,
    /// Whether it is made from a device or a place that has logged in to the account lately.
    is_known: bool,
    /// The secret that the device shows, if it may keep it.
    device: Option<Secret>,
}

/// Counts a login to an account, whether or not there is one with this address.
///
/// From a device or a place that has logged in to it lately, that alone is asked and counted: so nobody elsewhere can
/// keep its owner out. Where the device is refused, the place is tried: so a thief of its secret cannot either. From
/// anywhere else, the account and the address of the client are counted.
///
/// Nothing is counted where too many logins of the known device, or of the account, are in flight or succeeded within the
/// last minute. The permit is for all that the login hashes.
pub(super) fn guard_login<'a>(
    app: &'a App,
    email: &Email,
    client: &Client,
    device: Option<&Secret>,
) -> Result<(Guess, LoginPermit<'a>), LoginError> {
    let purpose = ThrottledAction::Login;
    let policy = &app.throttle_policy;
    let now = app.clock.now();
    let candidates = places(email, client, device);
    let found = app.guesses.find(&candidates).map_err(ServiceError::from)?;
    let mut known: Vec<_> = candidates
        .into_iter()
        .zip(found)
        .filter(|(_, guesses)| guesses.is_known(now))
        .map(|(subject, _)| subject)
        .collect();
    let issued = device.map(ThrottleKey::issued_device);
    let of_device = device.map(|device| ThrottleKey::device(purpose, email, device));
    // A secret that the client made up is not adopted: its maker would know it, too.
    let is_issued = |subject: &ThrottleKey| {
        issued.as_ref() == Some(subject) || of_device.as_ref() == Some(subject)
    };
    let mut device = device.filter(|_| known.iter().any(is_issued)).cloned();
    known.retain(|subject| issued.as_ref() != Some(subject));
    let mut refusals = Vec::new();
    for subject in known {
        match guard_known(app, &subject) {
            Ok(permit) => {
                let guess = Guess {
                    cleared: vec![subject],
                    taken_back: Vec::new(),
                    is_known: true,
                    device,
                };
                return Ok((guess, permit));
            }
            Err(LoginError::TooManyAttempts(refusal)) => {
                if of_device.as_ref() == Some(&subject) {
                    // Somebody else may have it: it gets a new secret.
                    device = None;
                }
                refusals.push((refusal.retry_after, LoginError::TooManyAttempts(refusal)));
            }
            Err(LoginError::TooManyLogins(refusal)) => {
                refusals.push((refusal.retry_after, LoginError::TooManyLogins(refusal)));
            }
            Err(error) => return Err(error),
        }
    }
    let soonest = refusals
        .into_iter()
        .min_by_key(|(retry_after, _)| *retry_after);
    if let Some((_, refusal)) = soonest {
        return Err(refusal);
    }
    let account = ThrottleKey::account(purpose, email);
    let permit = app.login_limits.begin(&account, now)?;
    let networks = networks(purpose, policy.address, client);
    let mut counted = vec![(&account, policy.account)];
    counted.extend(networks.iter().map(|(network, limit)| (network, *limit)));
    count(app, &counted)?;
    let guess = Guess {
        cleared: vec![account],
        taken_back: networks.into_iter().map(|(network, _)| network).collect(),
        is_known: false,
        device,
    };
    Ok((guess, permit))
}

/// Counts a login from a known device or place.
fn guard_known<'a>(app: &'a App, subject: &ThrottleKey) -> Result<LoginPermit<'a>, LoginError> {
    let permit = app.login_limits.begin(subject, app.clock.now())?;
    count(app, &[(subject, app.throttle_policy.known)])?;
    Ok(permit)
}

/// Counts what whoever has a session says to be the user's password. It counts for this session alone: the user, who can
/// log in elsewhere, is not kept from anything by whoever took it.
pub(super) fn guard_confirmation(app: &App, caller: &SessionCaller) -> Result<Guess, GuardError> {
    let session = ThrottleKey::session(ThrottledAction::Confirmation, caller.session.id);
    count(app, &[(&session, app.throttle_policy.confirmations)])?;
    Ok(Guess {
        cleared: vec![session],
        taken_back: Vec::new(),
        is_known: true,
        device: None,
    })
}

/// Counts a registration from the address of the client. It stays counted when it succeeds: it costs a hash.
pub(super) fn guard_registration(app: &App, client: &Client) -> Result<(), GuardError> {
    let limit = app.throttle_policy.registrations;
    guard_address(app, ThrottledAction::Registration, limit, client)
}

/// Counts a mail that is asked for from the address of the client, whether or not one is sent.
pub(super) fn guard_mail(app: &App, client: &Client) -> Result<(), GuardError> {
    guard_address(
        app,
        ThrottledAction::Mail,
        app.throttle_policy.mails,
        client,
    )
}

/// Counts something for the address of the client, where there is one.
fn guard_address(
    app: &App,
    purpose: ThrottledAction,
    limit: AttemptLimit,
    client: &Client,
) -> Result<(), GuardError> {
    let networks = networks(purpose, limit, client);
    if networks.is_empty() {
        return Ok(());
    }
    let counted: Vec<_> = networks
        .iter()
        .map(|(network, limit)| (network, *limit))
        .collect();
    count(app, &counted)
}

/// The address of the client, which has this limit, and its site, which has a higher one.
fn networks(
    purpose: ThrottledAction,
    limit: AttemptLimit,
    client: &Client,
) -> Vec<(ThrottleKey, AttemptLimit)> {
    let Some(address) = client.address else {
        return Vec::new();
    };
    let site = ThrottleKey::site(purpose, address).map(|site| (site, limit.of_site()));
    [(ThrottleKey::address(purpose, address), limit)]
        .into_iter()
        .chain(site)
        .collect()
}

fn count(app: &App, counted: &[(&ThrottleKey, AttemptLimit)]) -> Result<(), GuardError> {
    let counters: Vec<_> = counted
        .iter()
        .map(|(subject, limit)| AttemptCounter {
            subject: (*subject).clone(),
            limit: *limit,
        })
        .collect();
    Ok(app.guesses.count(&counters, app.clock.now())?)
}

impl Guess {
    /// Whether it is made from a device or a place that has logged in to the account lately.
    pub(super) fn is_known(&self) -> bool {
        self.is_known
    }

    /// The secret by which the device is known from now on.
    pub(super) fn device(&self, app: &App) -> Result<Secret, ServiceError> {
        device(app, self.device.clone())
    }

    /// The same, after which the device and the place of the client are known to the account.
    pub(super) fn making_known(mut self, email: &Email, client: &Client, device: &Secret) -> Self {
        self.cleared.extend(places(email, client, Some(device)));
        self
    }

    /// Records that it succeeded. What was counted for the account, the device, the place or the session is cleared; of
    /// the address, this guess is taken back and no other.
    pub(super) fn succeed(self, app: &App) -> Result<(), ServiceError> {
        Ok(app
            .guesses
            .succeed(&self.cleared, &self.taken_back, app.clock.now())?)
    }
}

/// Has the device and the place of an account that was just made be known.
pub(super) fn know(
    app: &App,
    email: &Email,
    client: &Client,
    device: &Secret,
) -> Result<(), ServiceError> {
    let nothing = Guess {
        cleared: Vec::new(),
        taken_back: Vec::new(),
        is_known: false,
        device: None,
    };
    nothing.making_known(email, client, device).succeed(app)
}

/// Clears the throttle of an account whose mailbox its owner has proven to read, and makes the device and the place of
/// the client known to it: the next login from there is counted by itself, however many others guess.
pub(super) fn recover(
    app: &App,
    email: &Email,
    client: &Client,
    device: &Secret,
) -> Result<(), ServiceError> {
    let throttled = Guess {
        cleared: vec![ThrottleKey::account(ThrottledAction::Login, email)],
        taken_back: Vec::new(),
        is_known: false,
        device: None,
    };
    throttled.making_known(email, client, device).succeed(app)
}

/// The secret by which a device is known from now on: the one that it keeps, or a new one.
pub(super) fn device(app: &App, kept: Option<Secret>) -> Result<Secret, ServiceError> {
    match kept {
        Some(secret) => Ok(secret),
        None => app
            .secrets
            .generate(SecretKind::Device)
            .map_err(|error| ServiceError::Internal(error.into())),
    }
}

/// The secret that a device shows, if we gave it to a device lately.
pub(super) fn issued(app: &App, shown: Option<Secret>) -> Result<Option<Secret>, ServiceError> {
    let Some(secret) = shown else {
        return Ok(None);
    };
    let found = app
        .guesses
        .find(&[ThrottleKey::issued_device(&secret)])
        .map_err(ServiceError::from)?;
    let now = app.clock.now();
    let is_issued = found.iter().any(|guesses| guesses.is_known(now));
    Ok(is_issued.then_some(secret))
}

/// The marks by which a client may be known: the device at this account, the place, the device at any account.
fn places(email: &Email, client: &Client, device: Option<&Secret>) -> Vec<ThrottleKey> {
    let purpose = ThrottledAction::Login;
    let of_account = device.map(|device| ThrottleKey::device(purpose, email, device));
    let place = client
        .address
        .map(|address| ThrottleKey::place(purpose, email, address));
    let issued = device.map(ThrottleKey::issued_device);
    of_account.into_iter().chain(place).chain(issued).collect()
}
