//! What a token is called.

use crate::text::{Lines, TextError, text_value, trimmed_not_empty};

/// What a user calls a token: one line of 1 to 100 characters, counted after trimming. Two may have the same name.
///
/// ```
/// use todo_domain::TokenName;
///
/// assert_eq!(TokenName::new(" backup of the laptop ")?.as_str(), "backup of the laptop");
/// # Ok::<(), todo_domain::TextError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "String", into = "String"))]
pub struct TokenName(String);

impl TokenName {
    /// The largest number of characters.
    pub const MAX_LENGTH: usize = 100;

    /// Trims and checks a name.
    ///
    /// # Errors
    /// [`TextError`] when it is empty, too long, or contains a control character.
    pub fn new(text: &str) -> Result<Self, TextError> {
        trimmed_not_empty(text, Self::MAX_LENGTH, Lines::Single).map(Self)
    }
}

text_value!(TokenName, TextError);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_line_of_1_to_100_characters() {
        assert!(TokenName::new(&"ä".repeat(100)).is_ok());
        let too_long = TextError::TooLong {
            max: 100,
            actual: 101,
        };
        assert_eq!(TokenName::new(&"ä".repeat(101)), Err(too_long));
        assert_eq!(TokenName::new("  "), Err(TextError::Empty));
        let two_lines = TokenName::new("a\nb");
        assert_eq!(two_lines, Err(TextError::ControlCharacter('\n')));
    }
}
