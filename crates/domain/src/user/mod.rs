//! People with an account, and the values they are made of.

mod display_name;
mod email;
mod password;
mod password_hash;
mod weak_password;

pub use display_name::DisplayName;
pub use email::{Email, EmailError};
pub use password::{Password, PasswordAttempt, PasswordError};
pub use password_hash::PasswordHash;
pub use weak_password::{PasswordContext, WeakPassword};

use crate::{Change, TimeZone, Timestamp, UserId};

/// Someone with an account.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct User {
    /// Identifies the user for ever.
    pub id: UserId,
    /// What the user logs in with; no two users have the same.
    pub email: Email,
    /// Whether the address is known to be the user's.
    pub email_verified: bool,
    /// What the user wants to be called. Registration demands it; accounts made elsewhere may lack it.
    pub name: Option<DisplayName>,
    /// What the user has chosen.
    pub settings: UserSettings,
    /// When the account was made.
    pub created_at: Timestamp,
    /// When the account last changed.
    pub updated_at: Timestamp,
}

impl User {
    /// A new account, made at `now`.
    #[must_use]
    pub fn new(id: UserId, email: Email, name: DisplayName, now: Timestamp) -> Self {
        Self {
            id,
            email,
            email_verified: false,
            name: Some(name),
            settings: UserSettings::default(),
            created_at: now,
            updated_at: now,
        }
    }
}

/// What a user has chosen, and every request of the user goes by.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct UserSettings {
    /// Where the user is, which tells when a day begins. `None` while the user has not said; UTC counts then.
    pub time_zone: Option<TimeZone>,
}

/// A change to an account: what it does to each property that the user may change at will.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UserChange {
    /// What the user wants to be called.
    pub name: Change<DisplayName>,
    /// Where the user is; `To(None)` forgets it.
    pub time_zone: Change<Option<TimeZone>>,
}

impl UserChange {
    /// Whether it changes nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A user together with what proves a login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Whose they are.
    pub user: User,
    /// The hash of the password; without one, no password logs this user in.
    pub password_hash: Option<PasswordHash>,
}
