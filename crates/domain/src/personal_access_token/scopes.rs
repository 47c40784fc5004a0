//! What a token is good for.

use std::{collections::BTreeSet, fmt};

use crate::Scope;

/// One scope or more.
///
/// It is written as in OAuth (RFC 6749, 3.3): the names with a space between them.
///
/// ```
/// use todo_domain::{Scope, TokenScopes, TokenScopesError};
///
/// let scopes = TokenScopes::new([Scope::WriteTodos, Scope::ReadTodos])?;
/// assert_eq!(scopes.to_string(), "tasks:read tasks:write");
/// assert_eq!(TokenScopes::new([]), Err(TokenScopesError::Empty));
/// # Ok::<(), TokenScopesError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TokenScopes(BTreeSet<Scope>);

/// Why scopes were refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenScopesError {
    /// There is none: the token would be good for nothing.
    #[error("must not be empty")]
    Empty,
    /// One is there twice.
    #[error("must not contain {0} more than once")]
    Repeated(Scope),
}

impl TokenScopes {
    /// Takes scopes, in any order.
    ///
    /// # Errors
    /// [`TokenScopesError`].
    pub fn new(scopes: impl IntoIterator<Item = Scope>) -> Result<Self, TokenScopesError> {
        let mut set = BTreeSet::new();
        for scope in scopes {
            if !set.insert(scope) {
                return Err(TokenScopesError::Repeated(scope));
            }
        }
        if set.is_empty() {
            return Err(TokenScopesError::Empty);
        }
        Ok(Self(set))
    }

    /// Takes scopes as a repository stored them.
    ///
    /// For storage adapters alone: a later version may have written scopes that this one does not know. These are good
    /// for nothing here.
    #[must_use]
    pub fn from_stored(text: &str) -> Self {
        Self(
            text.split_ascii_whitespace()
                .filter_map(|name| name.parse().ok())
                .collect(),
        )
    }

    /// Whether this scope is one of them.
    #[must_use]
    pub fn contains(&self, scope: Scope) -> bool {
        self.0.contains(&scope)
    }

    /// Each of them, always in the same order.
    pub fn iter(&self) -> impl Iterator<Item = Scope> {
        self.0.iter().copied()
    }
}

impl fmt::Display for TokenScopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.iter().map(Scope::as_str).collect();
        f.write_str(&names.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_is_there_twice_is_named() {
        let error = TokenScopes::new([Scope::ReadTodos; 2]).unwrap_err();
        assert_eq!(error, TokenScopesError::Repeated(Scope::ReadTodos));
        assert_eq!(
            error.to_string(),
            "must not contain tasks:read more than once"
        );
    }

    #[test]
    fn scopes_are_read_as_they_are_written_and_unknown_ones_are_good_for_nothing() {
        for scopes in [&[Scope::ReadTodos][..], &Scope::ALL] {
            let scopes = TokenScopes::new(scopes.iter().copied()).unwrap();
            assert_eq!(TokenScopes::from_stored(&scopes.to_string()), scopes);
        }
        let of_tomorrow = TokenScopes::from_stored("tasks:share tasks:*");
        for scope in Scope::ALL {
            assert!(!of_tomorrow.contains(scope));
        }
    }
}
