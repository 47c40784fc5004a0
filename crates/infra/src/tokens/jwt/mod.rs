//! Tokens as JSON Web Tokens (RFC 7519), signed by a ring of keys.
//!
//! Access tokens and refresh tokens have a type (RFC 8725, 3.11) and an audience of their own, so neither is ever
//! taken for the other. Of RFC 9068, access tokens have the type.
//!
//! There is no leeway: a token expires at the instant at which its session does, which the database is asked about on
//! each request, by the clock of the same instances. `iat` is not compared with the clock, so that a clock that was
//! set back refuses nobody.

mod access;
mod header;
mod refresh;
#[cfg(test)]
mod tests;
mod validations;

use std::{fmt, sync::Arc};

use jsonwebtoken::{Header, decode, encode};
use serde::{Serialize, de::DeserializeOwned};
use todo_domain::{
    Timestamp, TimestampError,
    ports::{BoxError, Clock, TokenError},
};

use self::{header::TokenHeader, validations::Validations};
use crate::keys::KeyRing;

/// The `iss` of every token.
const ISSUER: &str = "todo-server";

/// The type of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TokenType {
    Access,
    Refresh,
}

impl TokenType {
    /// The `typ` of the header.
    fn name(self) -> &'static str {
        match self {
            // RFC 9068, 2.1
            Self::Access => "at+jwt",
            Self::Refresh => "rt+jwt",
        }
    }

    /// The `aud` of the claims.
    fn audience(self) -> &'static str {
        match self {
            Self::Access => "todo-server",
            Self::Refresh => "todo-server/refresh",
        }
    }
}

/// The claims that every token has.
trait TokenClaims: DeserializeOwned {
    /// The second at which the token expires.
    fn exp(&self) -> i64;
}

/// Issues and verifies JSON Web Tokens.
pub struct JwtTokens {
    ring: Arc<KeyRing>,
    clock: Arc<dyn Clock>,
    validations: Validations,
}

/// Why a token is rejected, apart from errors of the library.
#[derive(Debug, thiserror::Error)]
enum Rejection {
    #[error("the token is longer than any that was issued")]
    TooLong,
    #[error("the token has no parts")]
    Malformed,
    #[error("the token is of another type")]
    Type,
    #[error("the token names a key that is not in use")]
    UnknownKey,
    #[error("the token names another algorithm than that of its key")]
    Algorithm,
    #[error("the token has expired")]
    Expired,
}

impl JwtTokens {
    /// The largest token that is parsed, in bytes. A token with the longest name and address has a third of it.
    const MAX_LENGTH: usize = 16_384;

    /// Signs with the current key of `ring`, and accepts what any of its keys signed.
    #[must_use]
    pub fn new(ring: Arc<KeyRing>, clock: Arc<dyn Clock>) -> Self {
        Self {
            ring,
            clock,
            validations: Validations::new(),
        }
    }

    fn write(&self, kind: TokenType, claims: &impl Serialize) -> Result<String, TokenError> {
        let key = self.ring.current();
        let header = Header {
            typ: Some(kind.name().to_owned()),
            kid: Some(key.id().to_owned()),
            ..Header::new(key.algorithm().as_jwt())
        };
        encode(&header, claims, key.encoding()).map_err(|error| TokenError::Signing(error.into()))
    }

    fn read<C: TokenClaims>(&self, kind: TokenType, token: &str) -> Result<C, TokenError> {
        if token.len() > Self::MAX_LENGTH {
            return Err(rejected(Rejection::TooLong));
        }
        let header = TokenHeader::read(token, kind).map_err(rejected)?;
        let key = self
            .ring
            .find(header.key_id())
            .map_err(|error| TokenError::KeysUnavailable(error.into()))?
            .ok_or_else(|| rejected(Rejection::UnknownKey))?;
        if header.algorithm() != key.algorithm().to_string() {
            return Err(rejected(Rejection::Algorithm));
        }
        let validation = self.validations.of(kind, key.algorithm());
        let claims: C = decode(token, key.decoding(), validation)
            .map_err(rejected)?
            .claims;
        if self.clock.now() >= from_seconds(claims.exp()).map_err(rejected)? {
            return Err(rejected(Rejection::Expired));
        }
        Ok(claims)
    }
}

impl fmt::Debug for JwtTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwtTokens")
            .field("ring", &self.ring)
            .finish_non_exhaustive()
    }
}

fn rejected(reason: impl Into<BoxError>) -> TokenError {
    TokenError::Rejected(reason.into())
}

fn from_seconds(seconds: i64) -> Result<Timestamp, TimestampError> {
    seconds
        .checked_mul(1_000_000)
        .ok_or(TimestampError::OutOfRange)
        .and_then(Timestamp::from_microseconds)
}
