//! What is kept of a password.

use std::fmt;

/// A password's hash in its textual form, as a [`PasswordHasher`](crate::ports::PasswordHasher) made it.
///
/// Which forms there are is the hasher's business; to everything else it is opaque. It never prints itself.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// The prefix of every hash by bcrypt, and of no other.
    pub const BCRYPT_PREFIX: &str = "$2";

    /// Wraps a hash.
    #[must_use]
    pub fn new(hash: String) -> Self {
        Self(hash)
    }

    /// Whether it is a hash by bcrypt, which accounts have that came from another backend. It takes longer to verify.
    #[must_use]
    pub fn is_bcrypt(&self) -> bool {
        self.0.starts_with(Self::BCRYPT_PREFIX)
    }

    /// The hash, for a hasher or a storage and no one else.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_never_prints_itself() {
        let hash = PasswordHash::new("$argon2id$secret".to_owned());
        assert_eq!(format!("{hash:?}"), "PasswordHash(…)");
    }
}
