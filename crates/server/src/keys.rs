//! The keys that sign tokens: the ring that the server uses, and the commands that show and change it.

use std::{error::Error, path::PathBuf, sync::Arc, time::Duration};

use todo_domain::ports::Clock;
use todo_infra::{
    KeyRing, KeyRingError, KeyRingFile, Rotation, SigningAlgorithm, StoredKey, SystemClock,
};

use crate::{
    command::{CommandResult, read_config},
    config::{SigningKeyConfig, SigningKeySource},
    emergency, logging, report,
};

/// Why there are no keys, or no others than before.
#[derive(Debug, thiserror::Error)]
enum KeysError {
    /// The file that `JWT_KEYS_FILE` names is not there.
    #[error(
        "there is no key ring {0}, which JWT_KEYS_FILE names; make one with: todo-server keys rotate"
    )]
    Missing(PathBuf),
    /// The key is where only whoever configures the server can change it.
    #[error("the key is in {variable}, which only whoever sets it can change; nothing was changed")]
    Configured { variable: &'static str },
    /// Secrets that are configured verify besides the key ring.
    #[error(
        "the other keys of the key ring are revoked, but the secrets of JWT_PREVIOUS_SECRETS still verify: remove that \
         variable and restart every instance"
    )]
    PreviousSecrets,
    /// The keys are revoked, and no security event says so.
    #[error("the other keys are revoked, but this could not be recorded as a security event")]
    NotRecorded(#[source] Box<dyn Error>),
    /// What is configured signs with HS256 alone.
    #[error("{variable} is for HS256; for EdDSA, name a key ring in JWT_KEYS_FILE instead")]
    ConfiguredForHs256 { variable: &'static str },
}

/// The ring that is configured, for a server whose tokens live no longer than `longest_token_lifetime`.
pub(crate) fn ring(
    config: SigningKeyConfig,
    longest_token_lifetime: Duration,
    clock: Arc<dyn Clock>,
) -> Result<KeyRing, Box<dyn Error>> {
    let SigningKeyConfig { source, previous } = config;
    let (path, may_be_made) = match source {
        SigningKeySource::Secret { key, .. } => {
            return Ok(KeyRing::configured(key, previous, clock));
        }
        SigningKeySource::Ring { path, may_be_made } => (path, may_be_made),
    };
    let file = KeyRingFile::new(path, Arc::clone(&clock));
    if may_be_made {
        file.make_if_missing()?;
    }
    match KeyRing::of_file(file, previous, longest_token_lifetime, clock) {
        Err(KeyRingError::Missing(path)) => Err(KeysError::Missing(path).into()),
        ring => Ok(ring?),
    }
}

/// `todo-server keys rotate`
pub(crate) fn rotate(algorithm: Option<SigningAlgorithm>) -> CommandResult {
    let config = read_config()?;
    let longest_token_lifetime = config.longest_token_lifetime();
    let path = match config.signing_keys.source {
        SigningKeySource::Secret { variable, .. } => {
            return Err(cannot_rotate(variable, algorithm)?.into());
        }
        SigningKeySource::Ring { path, .. } => path,
    };
    let file = KeyRingFile::new(path, Arc::new(SystemClock));
    let Rotation { keys, dropped } = file.rotate(algorithm, longest_token_lifetime)?;
    for key in &keys {
        report::line(&shown(key, longest_token_lifetime));
    }
    for key in dropped {
        report::line(&format!("{}  dropped", head(&key)));
    }
    Ok(())
}

/// `todo-server keys rotate --revoke-others`
///
/// The keys come first, and the event after them: a leaked key is revoked whether or not the database is there.
pub(crate) fn revoke_others(algorithm: Option<SigningAlgorithm>) -> CommandResult {
    let config = read_config()?;
    logging::start(config.log);
    let path = match config.signing_keys.source {
        SigningKeySource::Secret { variable, .. } => {
            return Err(cannot_revoke(variable, algorithm)?.into());
        }
        SigningKeySource::Ring { path, .. } => path,
    };
    let file = KeyRingFile::new(path, Arc::new(SystemClock));
    let Rotation { keys, dropped } = file.revoke_others(algorithm)?;
    for key in keys {
        report::line(&format!("{}  signs", head(&key)));
    }
    for key in dropped {
        report::line(&format!("{}  revoked", head(&key)));
    }
    if !config.signing_keys.previous.is_empty() {
        return Err(KeysError::PreviousSecrets.into());
    }
    emergency::record_revoked_keys(config.database.database())
        .map_err(|error| KeysError::NotRecorded(error).into())
}

/// Says how to revoke keys that are configured, with a secret to do it with.
fn cannot_revoke(
    variable: &'static str,
    algorithm: Option<SigningAlgorithm>,
) -> Result<KeysError, Box<dyn Error>> {
    if algorithm == Some(SigningAlgorithm::EdDsa) {
        return Ok(KeysError::ConfiguredForHs256 { variable });
    }
    report::line("Set this, remove JWT_PREVIOUS_SECRETS, and restart every instance at once:");
    print_new_secret(variable)?;
    Ok(KeysError::Configured { variable })
}

/// Prints a new secret, and where it is to be set.
fn print_new_secret(variable: &str) -> Result<(), Box<dyn Error>> {
    let secret = random_secret()?;
    match variable {
        "JWT_SECRET" => report::line(&format!("  JWT_SECRET={secret}")),
        file => report::line(&format!("  the content of the file of {file}: {secret}")),
    }
    Ok(())
}

/// Says what to do instead, with a secret to do it with.
fn cannot_rotate(
    variable: &'static str,
    algorithm: Option<SigningAlgorithm>,
) -> Result<KeysError, Box<dyn Error>> {
    if algorithm == Some(SigningAlgorithm::EdDsa) {
        return Ok(KeysError::ConfiguredForHs256 { variable });
    }
    report::line("Set these, and start every instance again; then nobody is logged out:");
    print_new_secret(variable)?;
    report::line(
        "  JWT_PREVIOUS_SECRETS=(the secret so far),(what JWT_PREVIOUS_SECRETS is so far, if anything)",
    );
    report::line(
        "Where instances start again one after another, set JWT_PREVIOUS_SECRETS on all of them to the new \
         secret first.",
    );
    Ok(KeysError::Configured { variable })
}

/// A secret that nobody can guess, and that can stand in any file of variables.
fn random_secret() -> Result<String, getrandom::Error> {
    let mut halves = [[0; 16]; 2];
    getrandom::fill(halves.as_flattened_mut())?;
    let [first, second] = halves.map(u128::from_le_bytes);
    Ok(format!("{first:032x}{second:032x}"))
}

/// `todo-server keys list`
pub(crate) fn list() -> CommandResult {
    let config = read_config()?;
    let longest_token_lifetime = config.longest_token_lifetime();
    let SigningKeyConfig { source, previous } = config.signing_keys;
    match source {
        SigningKeySource::Secret { key, variable, .. } => {
            report::line(&format!(
                "{:<43}  {}  signs, from {variable}",
                key.id(),
                key.algorithm()
            ));
        }
        SigningKeySource::Ring { path, .. } => {
            for key in KeyRingFile::new(path, Arc::new(SystemClock)).keys()? {
                report::line(&shown(&key, longest_token_lifetime));
            }
        }
    }
    for key in previous {
        report::line(&format!(
            "{:<43}  {}  verifies, from JWT_PREVIOUS_SECRETS",
            key.id(),
            key.algorithm()
        ));
    }
    Ok(())
}

/// The key, and what it does.
fn shown(key: &StoredKey, longest_token_lifetime: Duration) -> String {
    let does = match key.verifies_until(longest_token_lifetime) {
        None => "signs".to_owned(),
        Some(until) => format!("verifies until {until}"),
    };
    format!("{}  {does}", head(key))
}

/// The id (of one width, that of a thumbprint), what it is for, and when it was made.
fn head(key: &StoredKey) -> String {
    format!(
        "{:<43}  {}  made {}",
        key.key.id(),
        key.key.algorithm(),
        key.created_at
    )
}
