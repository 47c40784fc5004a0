//! How a file of keys fails.

use std::{io, path::PathBuf};

/// Why a ring of keys cannot be had from its file, or was not changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyRingError {
    /// There is no file.
    #[error("there is no key ring {0}")]
    Missing(PathBuf),
    /// The file cannot be read.
    #[error("the key ring {0} cannot be read")]
    Reading(PathBuf, #[source] io::Error),
    /// The file cannot be made or replaced; it is as it was.
    #[error("the key ring {0} cannot be written, and is as it was")]
    Writing(PathBuf, #[source] io::Error),
    /// What is in the file cannot be used; it is left as it is.
    #[error(
        "the key ring {0} cannot be used, and is left as it is: mend it, or put a copy of it back; with a new one \
         everyone would have to log in again"
    )]
    Invalid(PathBuf, #[source] InvalidKeyRing),
    /// The machine gives no random bytes.
    #[error("no random key can be made")]
    Random(#[source] getrandom::Error),
}

/// Why a text is no ring of keys. It tells nothing of what is in it, since that is secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidKeyRing {
    /// It is larger than any ring.
    #[error("it is larger than {max} bytes")]
    TooLarge {
        /// The largest size in bytes.
        max: u64,
    },
    /// It is not a JSON Web Key Set with the members that ours has.
    #[error("it is no key ring from line {line}, column {column} on")]
    Malformed {
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
    },
    /// A key is not what it says that it is.
    #[error("keys[{index}].{member} {fault}")]
    Key {
        /// Which key, from 0.
        index: usize,
        /// Which member of it.
        member: &'static str,
        /// What is wrong with it.
        fault: &'static str,
    },
    /// Not exactly one key signs.
    #[error("{0} of its keys have no retired_at, and must be exactly one")]
    CurrentKeys(usize),
    /// Two keys have the same id.
    #[error("two of its keys have the same kid")]
    SameId,
}
