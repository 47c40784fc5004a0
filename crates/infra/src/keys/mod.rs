//! Signing keys, the key-ring file, and the key ring of a running server.
//!
//! One key signs. Previous keys verify until every token that they can have signed has expired. The file is a JSON Web Key
//! Set (RFC 7517) with the additional members `created_at` and `retired_at`; it is replaced atomically.

mod atomic_file;
mod error;
mod file;
mod format;
mod key_file_watcher;
mod key_set;
mod ring;
mod signing_key;
mod stored;
#[cfg(test)]
pub(crate) mod testing;

pub use error::{InvalidKeyRing, KeyRingError};
pub use file::{KeyRingFile, Rotation};
pub use ring::KeyRing;
pub use signing_key::{InvalidSigningKey, SigningAlgorithm, SigningKey, UnknownAlgorithm};
pub use stored::StoredKey;
