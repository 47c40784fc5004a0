//! More about a todo.

use crate::text::{Lines, TextError, text_value, trimmed};

/// More about a todo: up to 2,000 characters, counted after trimming, with line breaks and tabs as wanted.
///
/// ```
/// use todo_domain::Description;
///
/// assert_eq!(Description::new("two litres\nof oats\n")?.as_str(), "two litres\nof oats");
/// assert_eq!(Description::new("")?.as_str(), "");
/// # Ok::<(), todo_domain::TextError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "String", into = "String"))]
pub struct Description(String);

impl Description {
    /// The largest number of characters.
    pub const MAX_LENGTH: usize = 2_000;

    /// Trims and checks a description.
    ///
    /// # Errors
    /// [`TextError`] when it is too long, or contains a control character other than a line break or a tab.
    pub fn new(text: &str) -> Result<Self, TextError> {
        trimmed(text, Self::MAX_LENGTH, Lines::Multiple).map(Self)
    }
}

text_value!(Description, TextError);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_breaks_and_tabs_may_stay_and_other_control_characters_may_not() {
        let text = "first\r\n\tsecond\nthird";
        assert_eq!(Description::new(text).unwrap().as_str(), text);
        assert_eq!(
            Description::new("bell\u{7}"),
            Err(TextError::ControlCharacter('\u{7}'))
        );
    }

    #[test]
    fn two_thousand_characters_fit_and_one_more_does_not() {
        assert!(Description::new(&"ä".repeat(2_000)).is_ok());
        assert_eq!(
            Description::new(&"ä".repeat(2_001)),
            Err(TextError::TooLong {
                max: 2_000,
                actual: 2_001
            })
        );
    }
}
