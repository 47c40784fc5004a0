//! Which keys others may verify our tokens with.

use crate::PublicKey;

/// Tells the public keys.
#[cfg_attr(feature = "mocks", mockall::automock)]
pub trait PublicKeys: Send + Sync {
    /// The public half of every key whose tokens are accepted now, the one that signs first.
    ///
    /// A key that has no public half is not among them; MUST tell nothing of it.
    fn public_keys(&self) -> Vec<PublicKey>;
}
