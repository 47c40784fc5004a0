//! The header of a token (RFC 7515, 4): all of it is known, and nothing of it is believed.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;
use todo_domain::ports::BoxError;

use super::{Rejection, TokenType};

/// The members that our headers have. Any other one is refused, `crit` among them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TokenHeader {
    typ: String,
    alg: String,
    kid: String,
}

impl TokenHeader {
    /// Reads the header of a token, which must be of this type.
    pub(super) fn read(token: &str, expected: TokenType) -> Result<Self, BoxError> {
        let (header, _) = token.split_once('.').ok_or(Rejection::Malformed)?;
        let header: Self = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header)?)?;
        if header.typ != expected.name() {
            return Err(Rejection::Type.into());
        }
        Ok(header)
    }

    /// Which key it names.
    pub(super) fn key_id(&self) -> &str {
        &self.kid
    }

    /// Which algorithm it names, for comparing it with that of the key.
    pub(super) fn algorithm(&self) -> &str {
        &self.alg
    }
}
