//! What is in a refresh token.

use serde::{Deserialize, Serialize};
use todo_domain::{
    RefreshClaims, RefreshToken,
    ports::{BoxError, RefreshTokens, TokenError},
};

use super::{ISSUER, JwtTokens, TokenClaims, TokenType, from_seconds};

/// Every claim is demanded, and no other is accepted.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claims {
    iss: String,
    aud: String,
    sid: String,
    r#gen: u32,
    iat: i64,
    exp: i64,
}

impl TokenClaims for Claims {
    fn exp(&self) -> i64 {
        self.exp
    }
}

impl From<&RefreshClaims> for Claims {
    fn from(claims: &RefreshClaims) -> Self {
        Self {
            iss: ISSUER.to_owned(),
            aud: TokenType::Refresh.audience().to_owned(),
            sid: claims.session_id.to_string(),
            r#gen: claims.generation,
            iat: claims.issued_at.as_seconds(),
            exp: claims.expires_at.as_seconds(),
        }
    }
}

impl TryFrom<Claims> for RefreshClaims {
    type Error = BoxError;

    fn try_from(claims: Claims) -> Result<Self, Self::Error> {
        Ok(Self {
            session_id: claims.sid.parse()?,
            generation: claims.r#gen,
            issued_at: from_seconds(claims.iat)?,
            expires_at: from_seconds(claims.exp)?,
        })
    }
}

impl RefreshTokens for JwtTokens {
    /// HS256 and Ed25519 take no random number, and the claims stand in one order: the same claims make the same token.
    fn issue(&self, claims: &RefreshClaims) -> Result<RefreshToken, TokenError> {
        self.write(TokenType::Refresh, &Claims::from(claims))
            .map(RefreshToken::new)
    }

    fn verify(&self, token: &RefreshToken) -> Result<RefreshClaims, TokenError> {
        let claims: Claims = self.read(TokenType::Refresh, token.expose())?;
        claims.try_into().map_err(TokenError::Rejected)
    }
}
