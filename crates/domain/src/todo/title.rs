//! What is to be done.

use crate::text::{Lines, TextError, text_value, trimmed_not_empty};

/// What is to be done: one line of 1 to 255 characters, counted after trimming.
///
/// ```
/// use todo_domain::Title;
///
/// assert_eq!(Title::new(" Buy milk ")?.as_str(), "Buy milk");
/// assert!(Title::new("Buy\u{0}milk").is_err());
/// # Ok::<(), todo_domain::TextError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "String", into = "String"))]
pub struct Title(String);

impl Title {
    /// The largest number of characters.
    pub const MAX_LENGTH: usize = 255;

    /// Trims and checks a title.
    ///
    /// # Errors
    /// [`TextError`] when it is empty, too long, or contains a control character.
    pub fn new(text: &str) -> Result<Self, TextError> {
        trimmed_not_empty(text, Self::MAX_LENGTH, Lines::Single).map(Self)
    }
}

text_value!(Title, TextError);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::blank(" \t\u{2003} ", TextError::Empty)]
    #[case::nul("a\0b", TextError::ControlCharacter('\0'))]
    #[case::line_break("a\nb", TextError::ControlCharacter('\n'))]
    #[case::c1_control("a\u{9b}b", TextError::ControlCharacter('\u{9b}'))]
    fn a_bad_title_is_refused(#[case] text: &str, #[case] error: TextError) {
        assert_eq!(Title::new(text), Err(error));
    }

    proptest! {
        #[test]
        fn a_title_is_trimmed_and_within_its_limits(text in "\\PC{0,300}") {
            match Title::new(&text) {
                Ok(title) => {
                    prop_assert_eq!(title.as_str(), text.trim());
                    prop_assert!((1..=255).contains(&title.as_str().chars().count()));
                }
                Err(TextError::Empty) => prop_assert!(text.trim().is_empty()),
                Err(TextError::TooLong { actual, .. }) => {
                    prop_assert_eq!(actual, text.trim().chars().count());
                    prop_assert!(actual > 255);
                }
                Err(error) => prop_assert!(false, "{}", error),
            }
        }
    }
}
