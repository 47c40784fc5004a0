//! What a client shows to prove who it is.

use std::fmt;

use crate::{DisplayName, Email, Session, SessionId, Timestamp, User, UserId};

/// A signed token, as a client sends it back. It never prints itself.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessToken(String);

impl AccessToken {
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

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessToken(…)")
    }
}

/// What an access token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessClaims {
    /// Whose token it is.
    pub user_id: UserId,
    /// The session that it belongs to; the token counts only as long as this does.
    pub session_id: SessionId,
    /// The user's address when the token was made, for clients to show.
    pub email: Email,
    /// The user's name when the token was made, for clients to show.
    pub name: Option<DisplayName>,
    /// When the token was made, in whole seconds.
    pub issued_at: Timestamp,
    /// The instant from which it no longer counts, in whole seconds.
    pub expires_at: Timestamp,
}

impl AccessClaims {
    /// What a token of `user` for `session` says that is made at `now` and counts until `expires_at`, both to the second.
    #[must_use]
    pub fn new(user: &User, session: &Session, now: Timestamp, expires_at: Timestamp) -> Self {
        Self {
            user_id: user.id,
            session_id: session.id,
            email: user.email.clone(),
            name: user.name.clone(),
            issued_at: now.floor_to_second(),
            expires_at: expires_at.floor_to_second(),
        }
    }
}
