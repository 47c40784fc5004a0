//! Keeping passwords from being guessed.

use todo_domain::{
    Client, Email, GuessCounter, GuessPurpose, GuessSubject, Secret, SecretKind, TooManyGuesses,
    ports::CountGuessError,
};

use crate::{App, Failure};

/// Why a guess may not be made.
#[derive(Debug, thiserror::Error)]
pub(super) enum GuardError {
    /// It comes too early.
    #[error(transparent)]
    TooMany(TooManyGuesses),
    /// The service failed.
    #[error(transparent)]
    Failure(#[from] Failure),
}

impl From<CountGuessError> for GuardError {
    fn from(error: CountGuessError) -> Self {
        match error {
            CountGuessError::TooMany(too_many) => Self::TooMany(too_many),
            CountGuessError::Storage(error) => Self::Failure(error.into()),
            error => Self::Failure(Failure::Internal(error.into())),
        }
    }
}

/// A guess that may be made, and counts as a failure until it is said to have succeeded.
#[derive(Debug)]
pub(super) struct Guess {
    cleared: Vec<GuessSubject>,
    taken_back: Vec<GuessSubject>,
}

/// Counts a guess at an account, whether or not there is one with this address.
///
/// From a device or a place that has logged in to it lately, that alone is asked and counted: so nobody elsewhere can
/// keep its owner out. From anywhere else, the account and the address of the client are.
pub(super) fn guard(
    app: &App,
    purpose: GuessPurpose,
    email: &Email,
    client: &Client,
    device: Option<&Secret>,
) -> Result<Guess, GuardError> {
    let now = app.clock.now();
    let candidates = places(purpose, email, client, device);
    let found = app.guesses.find(&candidates).map_err(Failure::from)?;
    let known = candidates
        .into_iter()
        .zip(found)
        .find(|(_, guesses)| guesses.is_known(now))
        .map(|(subject, _)| subject);
    let policy = &app.guess_policy;
    let (counters, guess) = if let Some(known) = known {
        let guess = Guess {
            cleared: vec![known.clone()],
            taken_back: Vec::new(),
        };
        let counter = GuessCounter {
            subject: known,
            limit: policy.known,
        };
        (vec![counter], guess)
    } else {
        let account = GuessSubject::account(purpose, email);
        let address = client
            .address
            .map(|address| GuessSubject::address(purpose, address));
        let guess = Guess {
            cleared: vec![account.clone()],
            taken_back: address.iter().cloned().collect(),
        };
        let of_account = GuessCounter {
            subject: account,
            limit: policy.account,
        };
        let of_address = address.map(|subject| GuessCounter {
            subject,
            limit: policy.address,
        });
        ([of_account].into_iter().chain(of_address).collect(), guess)
    };
    app.guesses.count(&counters, now)?;
    Ok(guess)
}

/// Counts a registration from the address of the client. It stays counted when it succeeds: it costs a hash.
pub(super) fn guard_registration(app: &App, client: &Client) -> Result<(), GuardError> {
    let counter = client.address.map(|address| GuessCounter {
        subject: GuessSubject::address(GuessPurpose::Registration, address),
        limit: app.guess_policy.registrations,
    });
    let Some(counter) = counter else {
        return Ok(());
    };
    Ok(app.guesses.count(&[counter], app.clock.now())?)
}

impl Guess {
    /// Records that it succeeded. What was counted for the account, the device or the place is cleared; of the address,
    /// this guess is taken back and no other. The device and the place are known from now on.
    pub(super) fn succeed(
        mut self,
        app: &App,
        email: &Email,
        client: &Client,
        device: &Secret,
    ) -> Result<(), Failure> {
        let known = places(GuessPurpose::Login, email, client, Some(device));
        self.cleared.extend(known);
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
) -> Result<(), Failure> {
    let nothing = Guess {
        cleared: Vec::new(),
        taken_back: Vec::new(),
    };
    nothing.succeed(app, email, client, device)
}

/// The secret by which a device is known from now on: the one that it shows, or a new one.
pub(super) fn device(app: &App, shown: Option<Secret>) -> Result<Secret, Failure> {
    match shown {
        Some(secret) => Ok(secret),
        None => app
            .secrets
            .generate(SecretKind::Device)
            .map_err(|error| Failure::Internal(error.into())),
    }
}

/// By what whoever guesses may be known, the device first.
fn places(
    purpose: GuessPurpose,
    email: &Email,
    client: &Client,
    device: Option<&Secret>,
) -> Vec<GuessSubject> {
    let device = device.map(|device| GuessSubject::device(purpose, email, device));
    let place = client
        .address
        .map(|address| GuessSubject::place(purpose, email, address));
    device.into_iter().chain(place).collect()
}
