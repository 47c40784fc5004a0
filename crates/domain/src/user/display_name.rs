//! What a user is called.

use crate::text::{Lines, TextError, text_value, trimmed_not_empty};

/// What a user is called: one line of 1 to 255 characters, counted after trimming.
///
/// ```
/// use todo_domain::DisplayName;
///
/// assert_eq!(DisplayName::new(" Ada Lovelace ")?.as_str(), "Ada Lovelace");
/// # Ok::<(), todo_domain::TextError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "String", into = "String"))]
pub struct DisplayName(String);

impl DisplayName {
    /// The largest number of characters.
    pub const MAX_LENGTH: usize = 255;

    /// Trims and checks a name.
    ///
    /// # Errors
    /// [`TextError`] when it is empty, too long, or contains a control character.
    pub fn new(text: &str) -> Result<Self, TextError> {
        trimmed_not_empty(text, Self::MAX_LENGTH, Lines::Single).map(Self)
    }
}

text_value!(DisplayName, TextError);
