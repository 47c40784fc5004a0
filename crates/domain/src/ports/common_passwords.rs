//! Which passwords many people choose.

/// Knows the passwords that are chosen most, and so are tried first.
#[cfg_attr(feature = "mocks", mockall::automock)]
pub trait CommonPasswords: Send + Sync {
    /// Whether a password is one of them. `folded` is all of it, in Normalization Form C and then without its
    /// differences of case, by [`fold_case`](crate::fold_case).
    ///
    /// MUST know, at least, the 3,000 most common ones of those that are long enough (OWASP ASVS 5.0, 6.2.4), and MUST
    /// NOT ask anyone over a network: a password is nobody else's business.
    fn contains(&self, folded: &str) -> bool;
}
