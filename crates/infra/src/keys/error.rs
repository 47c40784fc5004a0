//! Errors of the key-ring file.

use std::{io, path::PathBuf};

/// Why a key ring was not read or changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyRingError {
    /// The file does not exist.
    #[error("there is no key ring {0}")]
    Missing(PathBuf),
    /// The file cannot be read.
    #[error("the key ring {0} cannot be read")]
    Reading(PathBuf, #[source] io::Error),
    /// The file cannot be created or replaced; it is unchanged.
    #[error("the key ring {0} cannot be written, and is as it was")]
    Writing(PathBuf, #[source] io::Error),
    /// The content of the file is invalid; the file is unchanged.
    #[error(
        "the key ring {0} cannot be used, and is left as it is: mend it, or put a copy of it back; with a new one \
         everyone would have to log in again"
    )]
    Invalid(PathBuf, #[source] InvalidKeyRing),
    /// The operating system gives no random bytes.
    #[error("no random key can be made")]
    Random(#[source] getrandom::Error),
}

/// Why a text is no key ring. The error has no part of the text, which is secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidKeyRing {
    /// The text is too large.
    #[error("it is larger than {max} bytes")]
    TooLarge {
        /// The largest size in bytes.
        max: u64,
    },
    /// The text is no JSON Web Key Set with the required members.
    #[error("it is no key ring from line {line}, column {column} on")]
    Malformed {
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
    },
    /// A member of a key is invalid.
    #[error("keys[{index}].{member} {reason}")]
    Key {
        /// The index of the key, from 0.
        index: usize,
        /// The name of the member.
        member: &'static str,
        /// The reason.
        reason: &'static str,
    },
    /// The number of signing keys is not one.
    #[error("{0} of its keys have no retired_at, and must be exactly one")]
    CurrentKeys(usize),
    /// Two keys have the same id.
    #[error("two of its keys have the same kid")]
    SameId,
}
