//! What is in an access token.

use serde::{Deserialize, Serialize};
use todo_domain::{
    AccessClaims, AccessToken, DisplayName, Email,
    ports::{AccessTokens, BoxError, TokenError},
};

use super::{ISSUER, JwtTokens, TokenClaims, TokenType, from_seconds};

/// Every claim is demanded, and no other is accepted.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    sid: String,
    email: String,
    #[serde(deserialize_with = "present")]
    name: Option<String>,
    iat: i64,
    exp: i64,
}

/// Serde takes an absent `Option` for `None`; a claim that may be null must be there all the same.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Option::deserialize(deserializer)
}

impl TokenClaims for Claims {
    fn exp(&self) -> i64 {
        self.exp
    }
}

impl From<&AccessClaims> for Claims {
    fn from(claims: &AccessClaims) -> Self {
        Self {
            iss: ISSUER.to_owned(),
            aud: TokenType::Access.audience().to_owned(),
            sub: claims.user_id.to_string(),
            sid: claims.session_id.to_string(),
            email: claims.email.to_string(),
            name: claims.name.as_ref().map(ToString::to_string),
            iat: claims.issued_at.as_seconds(),
            exp: claims.expires_at.as_seconds(),
        }
    }
}

impl TryFrom<Claims> for AccessClaims {
    type Error = BoxError;

    fn try_from(claims: Claims) -> Result<Self, Self::Error> {
        Ok(Self {
            user_id: claims.sub.parse()?,
            session_id: claims.sid.parse()?,
            email: Email::from_stored(claims.email),
            name: claims.name.map(DisplayName::from_stored),
            issued_at: from_seconds(claims.iat)?,
            expires_at: from_seconds(claims.exp)?,
        })
    }
}

impl AccessTokens for JwtTokens {
    fn issue(&self, claims: &AccessClaims) -> Result<AccessToken, TokenError> {
        self.write(TokenType::Access, &Claims::from(claims))
            .map(AccessToken::new)
    }

    fn verify(&self, token: &AccessToken) -> Result<AccessClaims, TokenError> {
        let claims: Claims = self.read(TokenType::Access, token.expose())?;
        claims.try_into().map_err(TokenError::Rejected)
    }
}
