//! Tokens that programs show in place of a login, each good for a part of what its user may do.

mod lifetime;
mod name;
mod scopes;

use std::time::Duration;

pub use lifetime::{InvalidTokenLifetime, TokenLifetime};
pub use name::TokenName;
pub use scopes::{TokenScopes, TokenScopesError};

use crate::{Scope, Timestamp, TokenId, UserId, UserSettings};

/// What a user made for one program, in force until it expires or is revoked.
///
/// The secret that the program shows is no part of it: a storage has its [digest](crate::SecretDigest) alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonalAccessToken {
    /// Identifies the token. It is no secret.
    pub id: TokenId,
    /// Who made it, and for whom it stands.
    pub user_id: UserId,
    /// What its user calls it.
    pub name: TokenName,
    /// What it is good for.
    pub scopes: TokenScopes,
    /// When it was made.
    pub created_at: Timestamp,
    /// The instant from which it no longer counts.
    pub expires_at: Timestamp,
    /// When it was last used, more or less: see
    /// [`is_use_to_be_recorded`](PersonalAccessToken::is_use_to_be_recorded). `None` while it never was.
    pub last_used_at: Option<Timestamp>,
}

/// A token that is to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPersonalAccessToken {
    /// What its user calls it.
    pub name: TokenName,
    /// What it is good for.
    pub scopes: TokenScopes,
    /// For how long it counts.
    pub lifetime: TokenLifetime,
}

/// A token with what its user has chosen: all that a request needs to know of who makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenWithSettings {
    /// The token.
    pub token: PersonalAccessToken,
    /// What its user has chosen.
    pub settings: UserSettings,
}

impl PersonalAccessToken {
    /// The largest number of tokens of one user that are in force at the same time.
    pub const MAX_LIVE: usize = 50;

    /// A token of `user_id` that is made at `now`.
    #[must_use]
    pub fn new(id: TokenId, user_id: UserId, new: NewPersonalAccessToken, now: Timestamp) -> Self {
        let NewPersonalAccessToken {
            name,
            scopes,
            lifetime,
        } = new;
        Self {
            id,
            user_id,
            name,
            scopes,
            created_at: now,
            expires_at: lifetime.end(now),
            last_used_at: None,
        }
    }

    /// Whether it still counts at `now`.
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        now < self.expires_at
    }

    /// Whether it is good for `scope`.
    #[must_use]
    pub fn allows(&self, scope: Scope) -> bool {
        self.scopes.contains(scope)
    }

    /// Whether a use at `now` is to be recorded.
    ///
    /// That would be a write with each request. So it is done when the last record is a minute old.
    #[must_use]
    pub fn is_use_to_be_recorded(&self, now: Timestamp) -> bool {
        const INTERVAL: Duration = Duration::from_mins(1);
        self.last_used_at
            .is_none_or(|last| now >= last.saturating_add(INTERVAL))
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use uuid::Uuid;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_microseconds(seconds * 1_000_000).unwrap()
    }

    fn token() -> PersonalAccessToken {
        let id = Uuid::from_u128(1);
        let new = NewPersonalAccessToken {
            name: TokenName::new("backup").unwrap(),
            scopes: TokenScopes::new([Scope::ReadTodos]).unwrap(),
            lifetime: TokenLifetime::from_days(1).unwrap(),
        };
        PersonalAccessToken::new(TokenId::from_uuid(id), UserId::from_uuid(id), new, at(0))
    }

    #[test]
    fn it_counts_until_it_expires() {
        let token = token();
        assert!(token.is_live(at(0)));
        assert!(token.is_live(at(24 * 60 * 60 - 1)));
        assert!(!token.is_live(at(24 * 60 * 60)));
    }

    #[test]
    fn it_is_good_for_its_scopes_alone() {
        assert!(token().allows(Scope::ReadTodos));
        assert!(!token().allows(Scope::WriteTodos));
    }

    #[rstest]
    #[case::never_used(None, true)]
    #[case::a_moment_ago(Some(941), false)]
    #[case::a_minute_ago(Some(940), true)]
    #[case::by_a_clock_that_is_ahead(Some(1_005), false)]
    fn its_use_is_recorded_from_time_to_time(#[case] last: Option<i64>, #[case] recorded: bool) {
        let token = PersonalAccessToken {
            last_used_at: last.map(at),
            ..token()
        };
        assert_eq!(token.is_use_to_be_recorded(at(1_000)), recorded);
    }
}
