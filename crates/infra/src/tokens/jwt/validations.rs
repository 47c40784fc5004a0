//! The validation rules of the library, by token type and algorithm.

use jsonwebtoken::Validation;

use super::{ISSUER, TokenType};
use crate::keys::SigningAlgorithm;

/// The validation rules by token type and algorithm of the key, created once.
pub(super) struct Validations {
    access: ByAlgorithm,
    refresh: ByAlgorithm,
}

struct ByAlgorithm {
    hs256: Validation,
    ed_dsa: Validation,
}

impl Validations {
    pub(super) fn new() -> Self {
        let of = |kind| ByAlgorithm {
            hs256: validation(kind, SigningAlgorithm::Hs256),
            ed_dsa: validation(kind, SigningAlgorithm::EdDsa),
        };
        Self {
            access: of(TokenType::Access),
            refresh: of(TokenType::Refresh),
        }
    }

    pub(super) fn of(&self, kind: TokenType, algorithm: SigningAlgorithm) -> &Validation {
        let ByAlgorithm { hs256, ed_dsa } = match kind {
            TokenType::Access => &self.access,
            TokenType::Refresh => &self.refresh,
        };
        match algorithm {
            SigningAlgorithm::Hs256 => hs256,
            SigningAlgorithm::EdDsa => ed_dsa,
        }
    }
}

fn validation(kind: TokenType, algorithm: SigningAlgorithm) -> Validation {
    let mut validation = Validation::new(algorithm.as_jwt());
    // Time comes from the clock port.
    validation.validate_exp = false;
    validation.set_issuer(&[ISSUER]);
    validation.set_audience(&[kind.audience()]);
    validation.set_required_spec_claims(&["iss", "aud", "exp"]);
    validation
}
