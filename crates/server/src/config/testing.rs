//! Helpers for the tests of the sections.

use super::{Config, ConfigError};

/// A valid secret.
pub(super) const SECRET: &str = "a secret of no less than 32 bytes";

/// The configuration with these variables.
pub(super) fn read(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    Config::read(|name| {
        variables
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| (*value).to_owned())
    })
}
