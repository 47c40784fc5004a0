//! What a client shows to have its access token renewed.

use std::fmt;

use crate::{Session, SessionId, Timestamp};

/// A signed token, as a client sends it back. It never prints itself.
#[derive(Clone, PartialEq, Eq)]
pub struct RefreshToken(String);

impl RefreshToken {
    /// Wraps a token.
    #[must_use]
    pub fn new(token: String) -> Self {
        Self(token)
    }

    /// The token, for its owner and no one else.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefreshToken(…)")
    }
}

/// What a refresh token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefreshClaims {
    /// The session that it belongs to; the token counts only as long as this does.
    pub session_id: SessionId,
    /// Which rotation of the session's token this is: 0 for the one that the login gave, one more for each that took
    /// the place of another.
    pub generation: u32,
    /// When the token was made, in whole seconds.
    pub issued_at: Timestamp,
    /// The instant from which it no longer counts, in whole seconds.
    pub expires_at: Timestamp,
}

impl RefreshClaims {
    /// What the token of `session` says that counts now.
    #[must_use]
    pub fn new(session: &Session) -> Self {
        Self {
            session_id: session.id,
            generation: session.generation,
            issued_at: session.rotated_at.floor_to_second(),
            expires_at: session.expires_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_never_prints_itself() {
        let token = RefreshToken::new("a.signed.token".to_owned());
        assert_eq!(format!("{token:?}"), "RefreshToken(…)");
    }
}
