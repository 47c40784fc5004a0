//! Requests that are made again, and must have their effect once.

use std::{fmt, time::Duration};

use crate::{Timestamp, UserId, ports::BoxError};

/// What a client calls a request by when it makes it again: 1 to 255 printable ASCII characters.
///
/// ```
/// use todo_domain::IdempotencyKey;
///
/// assert_eq!(IdempotencyKey::new(" \"8e03978e\" ")?.as_str(), "8e03978e");
/// assert!(IdempotencyKey::new("").is_err());
/// # Ok::<(), todo_domain::InvalidIdempotencyKey>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(String);

/// The text is no [`IdempotencyKey`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 255 printable ASCII characters")]
pub struct InvalidIdempotencyKey;

impl IdempotencyKey {
    /// The largest number of characters.
    pub const MAX_LENGTH: usize = 255;

    /// For how long a key is remembered, in hours.
    pub const HOURS: u64 = 24;

    /// Checks a key. White space around it and one pair of quotes do not count.
    ///
    /// # Errors
    /// [`InvalidIdempotencyKey`].
    pub fn new(text: &str) -> Result<Self, InvalidIdempotencyKey> {
        let text = text.trim();
        let text = text
            .strip_prefix('"')
            .and_then(|text| text.strip_suffix('"'))
            .unwrap_or(text);
        let is_printable = |byte: u8| (b' '..=b'~').contains(&byte);
        if (1..=Self::MAX_LENGTH).contains(&text.len()) && text.bytes().all(is_printable) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidIdempotencyKey)
        }
    }

    /// The key.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The instant before which keys are forgotten.
    #[must_use]
    pub fn forgotten_before(now: Timestamp) -> Timestamp {
        now.saturating_sub(Duration::from_hours(Self::HOURS))
    }
}

/// A request that is to have its effect once, however often it is made. `T` is what comes of it.
pub struct Once<'a, T: ?Sized> {
    /// Whose request it is: two users may use the same key.
    pub user_id: UserId,
    /// What the client calls it.
    pub key: IdempotencyKey,
    /// What it asks for, told from other requests: the same text for the same request.
    pub request: String,
    /// When it is made.
    pub now: Timestamp,
    /// Makes what it is answered with of what came of it, to be given again. Where that fails, nothing is done, and
    /// the storage says that it failed.
    pub answer: &'a dyn Fn(&T) -> Result<String, BoxError>,
}

impl<T: ?Sized> fmt::Debug for Once<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Once")
            .field("user_id", &self.user_id)
            .field("key", &self.key)
            .field("request", &self.request)
            .field("now", &self.now)
            .finish_non_exhaustive()
    }
}

/// Why a request did not have its effect now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdempotencyConflict {
    /// It had it before; this is what it was answered with.
    #[error("the request was made before")]
    Repeated(String),
    /// The client called another request by the same key.
    #[error("the key was used for another request")]
    KeyReused,
    /// The same request is under way.
    #[error("the same request is under way")]
    UnderWay,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_printable_and_not_too_long() {
        assert!(IdempotencyKey::new(&"k".repeat(255)).is_ok());
        for text in ["", "  ", "\"\"", "ä", "a\tb", &"k".repeat(256)] {
            assert_eq!(
                IdempotencyKey::new(text),
                Err(InvalidIdempotencyKey),
                "{text}"
            );
        }
    }

    /// A fuzz target.
    #[test]
    fn a_key_is_read_back_in_quotes() {
        bolero::check!()
            .with_type::<Vec<(u8, char)>>()
            .for_each(|edits| {
                let text =
                    crate::fuzzing::bent(" \"8e03978e-40d5-43dd-bc93-6894a57f9324\" ", edits);
                if let Ok(key) = IdempotencyKey::new(&text) {
                    let quoted = format!("\"{}\"", key.as_str());
                    assert_eq!(IdempotencyKey::new(&quoted), Ok(key), "{text:?}");
                }
            });
    }
}
