//! The keys that sign tokens: what they are, the file that keeps a ring of them, and what a running server has of it.
//!
//! One key signs. Those that signed before it verify until every token that they can have signed has expired. In a
//! file, the ring is a JSON Web Key Set (RFC 7517), whose `created_at` and `retired_at` are our own; it is replaced as
//! a whole and never half read.

mod error;
mod file;
mod format;
mod placing;
mod ring;
mod signing_key;
mod stored;
#[cfg(test)]
pub(crate) mod testing;
mod watched;

pub use error::{InvalidKeyRing, KeyRingError};
pub use file::{KeyRingFile, Rotation};
pub use ring::KeyRing;
pub use signing_key::{InvalidSigningKey, SigningAlgorithm, SigningKey, UnknownAlgorithm};
pub use stored::StoredKey;
