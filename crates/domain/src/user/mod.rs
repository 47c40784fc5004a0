//! People with an account, and the values they are made of.

mod display_name;
mod email;
mod guessable_password;
mod password;
mod password_hash;

pub use display_name::DisplayName;
pub use email::{Email, EmailError};
pub use guessable_password::{GuessablePassword, PasswordContext};
pub use password::{Password, PasswordAttempt, PasswordError};
pub use password_hash::PasswordHash;

use crate::{Timestamp, UserId};

/// Someone with an account.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct User {
    /// Identifies the user for ever.
    pub id: UserId,
    /// What the user logs in with; no two users have the same.
    pub email: Email,
    /// What the user wants to be called. Registration demands it; accounts made elsewhere may lack it.
    pub name: Option<DisplayName>,
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
            name: Some(name),
            created_at: now,
            updated_at: now,
        }
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
