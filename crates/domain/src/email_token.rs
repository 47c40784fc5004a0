//! Secrets that are sent by mail, and what is kept of them.

use std::{fmt, str::FromStr, time::Duration};

use crate::{Email, SecretDigest, SecretKind, Timestamp, UserId};

/// What whoever has a mailed secret may do, once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TokenPurpose {
    /// Choose a new password.
    PasswordReset,
    /// Show that the address of the account is the user's.
    EmailVerification,
    /// Show that another address is the user's, which then becomes that of the account.
    EmailChange,
    /// Cancel a pending change of the address.
    EmailChangeCancellation,
}

/// There is no such purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is no purpose of a mailed secret")]
pub struct UnknownMailPurpose;

impl TokenPurpose {
    /// Every purpose.
    pub const ALL: [Self; 4] = [
        Self::PasswordReset,
        Self::EmailVerification,
        Self::EmailChange,
        Self::EmailChangeCancellation,
    ];

    /// What it is called in a storage.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PasswordReset => "password_reset",
            Self::EmailVerification => "email_verification",
            Self::EmailChange => "email_change",
            Self::EmailChangeCancellation => "email_change_cancellation",
        }
    }

    /// The kind of its secrets. Whoever follows a link need not know which of the two addresses it is about.
    #[must_use]
    pub fn secret_kind(self) -> SecretKind {
        match self {
            Self::PasswordReset => SecretKind::PasswordReset,
            Self::EmailVerification | Self::EmailChange => SecretKind::EmailVerification,
            Self::EmailChangeCancellation => SecretKind::EmailChangeCancellation,
        }
    }

    /// How many of its secrets are valid at the same time for one user.
    ///
    /// Anyone can request a password reset. So a request invalidates no secret that was mailed before: up to three are
    /// valid, and no further one is made until the oldest expires. That also bounds the mails. All other mails are
    /// requested with a session, and there the latest secret replaces the one before it.
    #[must_use]
    pub fn max_live(self) -> usize {
        match self {
            Self::PasswordReset => 3,
            Self::EmailVerification | Self::EmailChange | Self::EmailChangeCancellation => 1,
        }
    }

    /// For how long its secrets count: half an hour for a password, a day for an address (NIST SP 800-63B-4, 4.2.1.2,
    /// allows a day for what is mailed).
    #[must_use]
    pub fn lifetime(self) -> Duration {
        match self {
            Self::PasswordReset => Duration::from_mins(30),
            Self::EmailVerification | Self::EmailChange | Self::EmailChangeCancellation => {
                Duration::from_hours(24)
            }
        }
    }
}

impl fmt::Display for TokenPurpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for TokenPurpose {
    type Err = UnknownMailPurpose;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|purpose| purpose.as_str() == text)
            .ok_or(UnknownMailPurpose)
    }
}

/// What is kept of a secret that was mailed. It is valid once, and so are at most
/// [so many](TokenPurpose::max_live) of its user and purpose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmailToken {
    /// By what it is found.
    pub digest: SecretDigest,
    /// Whose account it is about.
    pub user_id: UserId,
    /// What it is good for.
    pub purpose: TokenPurpose,
    /// The address that it was mailed to, and which it proves to be the user's.
    pub email: Email,
    /// When it was made.
    pub created_at: Timestamp,
    /// The instant from which it no longer counts.
    pub expires_at: Timestamp,
}

/// A change of the address that was requested and is not confirmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingEmailChange {
    /// The new address.
    pub email: Email,
    /// The time of the request.
    pub requested_at: Timestamp,
    /// The instant from which it can no longer be confirmed.
    pub expires_at: Timestamp,
}

impl From<EmailToken> for PendingEmailChange {
    fn from(secret: EmailToken) -> Self {
        Self {
            email: secret.email,
            requested_at: secret.created_at,
            expires_at: secret.expires_at,
        }
    }
}

impl EmailToken {
    /// The shortest time between two mails to one user for one purpose, so that nobody's mailbox can be flooded.
    pub const MIN_INTERVAL: Duration = Duration::from_mins(1);

    /// What is kept of a secret that is made at `now`.
    #[must_use]
    pub fn new(
        digest: SecretDigest,
        user_id: UserId,
        purpose: TokenPurpose,
        email: Email,
        now: Timestamp,
    ) -> Self {
        Self {
            digest,
            user_id,
            purpose,
            email,
            created_at: now,
            expires_at: now.saturating_add(purpose.lifetime()),
        }
    }

    /// Whether it still counts at `now`, if it was not used.
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        now < self.expires_at
    }

    /// The latest instant at which the one before it may have been made.
    ///
    /// ```
    /// # use todo_domain::*;
    /// # let user = "0192f0c1-2345-7abc-8def-0123456789ab".parse()?;
    /// # let digest = SecretDigest::from_bytes([0; 32]);
    /// let email = Email::new("ada@example.com")?;
    /// let now = Timestamp::from_microseconds(90_000_000)?;
    /// let secret = EmailToken::new(digest, user, TokenPurpose::PasswordReset, email, now);
    /// assert_eq!(secret.none_made_after().as_seconds(), 30);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn none_made_after(&self) -> Timestamp {
        self.created_at.saturating_sub(Self::MIN_INTERVAL)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn a_purpose_is_read_as_it_is_written() {
        for purpose in TokenPurpose::ALL {
            assert_eq!(purpose.to_string().parse(), Ok(purpose));
        }
        assert_eq!("".parse::<TokenPurpose>(), Err(UnknownMailPurpose));
    }

    #[rstest]
    #[case(TokenPurpose::PasswordReset, 30 * 60)]
    #[case(TokenPurpose::EmailVerification, 24 * 60 * 60)]
    #[case(TokenPurpose::EmailChange, 24 * 60 * 60)]
    #[case(TokenPurpose::EmailChangeCancellation, 24 * 60 * 60)]
    fn it_counts_until_its_lifetime_is_over(#[case] purpose: TokenPurpose, #[case] seconds: i64) {
        let at = |seconds: i64| Timestamp::from_microseconds(seconds * 1_000_000).unwrap();
        let digest = SecretDigest::from_bytes([1; 32]);
        let user: UserId = "0192f0c1-2345-7abc-8def-0123456789ab".parse().unwrap();
        let email = Email::new("ada@example.com").unwrap();
        let secret = EmailToken::new(digest, user, purpose, email, at(0));
        assert!(secret.is_live(at(seconds - 1)));
        assert!(!secret.is_live(at(seconds)));
    }
}
