//! What happens to accounts, kept for their users and for whoever looks into an attack.

use std::{fmt, str::FromStr};

use uuid::Uuid;

use crate::{Client, EventId, SessionId, Timestamp, TokenId, UserId};

/// Something that happened to an account (OWASP ASVS 5.0, 16.3). It never has a secret in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecurityEvent {
    /// Identifies the event.
    pub id: EventId,
    /// Whose account it is; `None` when there is no such account, as for a login with an unknown address.
    pub user_id: Option<UserId>,
    /// What happened.
    pub kind: SecurityEventKind,
    /// The session or the token that it happened to or through; the former id of a user who is gone.
    pub subject: Option<Uuid>,
    /// What it came from.
    pub client: Client,
    /// When it happened.
    pub created_at: Timestamp,
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $name:literal,)*) => {
        /// What may happen to an account.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum SecurityEventKind {
            $($(#[$doc])* $kind,)*
        }

        impl SecurityEventKind {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$kind,)*];

            /// What it is called outside.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$kind => $name,)*
                }
            }
        }
    };
}

kinds! {
    /// The account was made.
    Registered = "registered",
    /// A session began.
    LoggedIn = "logged_in",
    /// Someone did not know the password.
    LoginFailed = "login_failed",
    /// A session's refresh token was replaced. Earlier releases recorded it.
    SessionRefreshed = "session_refreshed",
    /// A refresh token was shown that had been replaced long before, so that two have it: the session was ended.
    RefreshTokenReused = "refresh_token_reused",
    /// A session was ended by its user.
    LoggedOut = "logged_out",
    /// The least recently used session was ended, because the user had as many as the quota allows.
    SessionEvicted = "session_evicted",
    /// Several sessions were ended by their user.
    SessionsEnded = "sessions_ended",
    /// The password was changed by someone who knew it.
    PasswordChanged = "password_changed",
    /// A mail was asked for by which the password can be set.
    PasswordResetRequested = "password_reset_requested",
    /// The password was set by someone who has the mail.
    PasswordReset = "password_reset",
    /// A change of the address was asked for.
    EmailChangeRequested = "email_change_requested",
    /// A pending change of the address was cancelled.
    EmailChangeCancelled = "email_change_cancelled",
    /// The address is another.
    EmailChanged = "email_changed",
    /// The address was shown to be the user's.
    EmailVerified = "email_verified",
    /// A personal access token was made.
    TokenCreated = "token_created",
    /// A personal access token was revoked.
    TokenRevoked = "token_revoked",
    /// All that is kept of the user was asked for.
    AccountExported = "account_exported",
    /// An operator ended every session.
    SessionsEndedByOperator = "sessions_ended_by_operator",
    /// An operator disabled the account.
    AccountDisabled = "account_disabled",
    /// An operator enabled the account again.
    AccountEnabled = "account_enabled",
    /// An operator revoked all keys that sign tokens but for a new one. It is of no account.
    KeysRevoked = "keys_revoked",
    /// The account was deleted with all its events but this one, whose subject is the id that the user had.
    AccountDeleted = "account_deleted",
}

/// There is no such kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is no kind of security event")]
pub struct UnknownSecurityEventKind;

impl fmt::Display for SecurityEventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for SecurityEventKind {
    type Err = UnknownSecurityEventKind;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .iter()
            .copied()
            .find(|kind| kind.as_str() == text)
            .ok_or(UnknownSecurityEventKind)
    }
}

impl SecurityEvent {
    /// The same event, of a user who is gone with it: it belongs to no account, and so outlives this one.
    #[must_use]
    pub fn of_former_user(self, id: UserId) -> Self {
        Self {
            user_id: None,
            subject: Some(id.as_uuid()),
            ..self
        }
    }

    /// The same event, of this session.
    #[must_use]
    pub fn of_session(self, id: SessionId) -> Self {
        Self {
            subject: Some(id.as_uuid()),
            ..self
        }
    }

    /// The same event, of this personal access token.
    #[must_use]
    pub fn of_token(self, id: TokenId) -> Self {
        Self {
            subject: Some(id.as_uuid()),
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_read_as_it_is_written() {
        for kind in SecurityEventKind::ALL {
            assert_eq!(kind.to_string().parse(), Ok(*kind));
        }
        assert!("".parse::<SecurityEventKind>().is_err());
    }
}
