//! What the tests of the sections share.

use super::{Config, ConfigError};

/// A secret that is long enough.
pub(super) const SECRET: &str = "a secret of no less than 32 bytes";

/// The configuration that these variables make.
pub(super) fn read(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    Config::read(|name| {
        variables
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| (*value).to_owned())
    })
}
