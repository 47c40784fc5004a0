//! `todo-server doctor`: whether everything is as a server needs it, and what to do where it is not.
//!
//! It changes nothing and prints no secret. Where there is no database yet, it makes none.

mod database;
mod files;
mod finding;
mod keys;
mod mail;

use std::{env, error::Error};

use self::finding::Finding;
use crate::{
    command::{CommandResult, read_config},
    config::{Config, ConfigError},
    report,
};

/// Something must be mended before a server can do its work.
#[derive(Debug, thiserror::Error)]
#[error("{0} of these must be mended")]
struct FaultsFound(usize);

/// Prints one line for each thing that was looked at.
pub(crate) fn doctor() -> CommandResult {
    let findings = match read_config() {
        Ok(config) => examine(config),
        Err(error) => wrong_values(error.as_ref()),
    };
    for finding in &findings {
        report::line(&finding.to_string());
    }
    match findings.iter().filter(|finding| finding.is_fault()).count() {
        0 => Ok(()),
        faults => Err(FaultsFound(faults).into()),
    }
}

fn wrong_values(error: &(dyn Error + 'static)) -> Vec<Finding> {
    match error.downcast_ref::<ConfigError>() {
        Some(error) => error
            .faults()
            .map(|fault| Finding::fault("configuration", fault))
            .collect(),
        None => vec![Finding::fault("configuration", error.to_string())],
    }
}

fn examine(config: Config) -> Vec<Finding> {
    let lookup = |name: &str| env::var(name).ok();
    let mut findings = vec![Finding::ok("configuration", "every value can be used")];
    findings.push(database::transport(&config.database.url, lookup));
    if let Some(url) = &config.database.migration_url {
        findings.push(database::transport(url, lookup));
    }
    findings.extend(files::permissions(&config));
    findings.push(keys::ring(&config.signing_keys.source));
    findings.extend(mail::configuration(&config.mail));
    findings.extend(database::examine(
        config.database,
        config.http.request_deadline,
    ));
    findings
}
