//! The rules that every short text shares, and the one error that tells which was broken.

use std::fmt;

/// Why a text was refused.
///
/// Lengths are counted in characters (Unicode scalar values), after white space at both ends was trimmed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TextError {
    /// Nothing is left after trimming.
    #[error("must not be empty")]
    Empty,
    /// More characters than allowed.
    #[error("must contain at most {max} characters; got {actual}")]
    TooLong {
        /// The largest allowed number of characters.
        max: usize,
        /// The number of characters after trimming.
        actual: usize,
    },
    /// A control character that the text may not contain.
    #[error("must not contain the control character {}", ControlName(*.0))]
    ControlCharacter(char),
}

/// Which control characters a text may contain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lines {
    /// None: the text is one line.
    Single,
    /// Line feed, carriage return and tab: the text may have paragraphs.
    Multiple,
}

impl Lines {
    fn allow(self, character: char) -> bool {
        match self {
            Self::Single => !character.is_control(),
            Self::Multiple => !character.is_control() || matches!(character, '\n' | '\r' | '\t'),
        }
    }
}

/// Trims `text` and checks it for control characters and length. It may be empty afterwards.
pub(crate) fn trimmed(text: &str, max: usize, lines: Lines) -> Result<String, TextError> {
    let text = text.trim();
    if let Some(character) = text.chars().find(|&character| !lines.allow(character)) {
        return Err(TextError::ControlCharacter(character));
    }
    let actual = text.chars().count();
    if actual > max {
        return Err(TextError::TooLong { max, actual });
    }
    Ok(text.to_owned())
}

/// As [`trimmed`], and refuses what is empty afterwards.
pub(crate) fn trimmed_not_empty(text: &str, max: usize, lines: Lines) -> Result<String, TextError> {
    let text = trimmed(text, max, lines)?;
    if text.is_empty() {
        return Err(TextError::Empty);
    }
    Ok(text)
}

/// Takes the differences of case out of `text`, for comparing and searching in all of Unicode alike.
///
/// Each character is mapped to upper case and then to lower case (Unicode's full mappings, without context), so that
/// `ß`, `ẞ` and `SS` become the same text, as do `Σ`, `σ` and the final `ς`.
///
/// ```
/// use todo_domain::fold_case;
///
/// assert_eq!(fold_case("STRASSE"), fold_case("Straße"));
/// assert_eq!(fold_case("ΟΔΟΣ"), fold_case("οδος"));
/// ```
#[must_use]
pub fn fold_case(text: &str) -> String {
    text.chars()
        .flat_map(char::to_uppercase)
        .flat_map(char::to_lowercase)
        .collect()
}

/// Writes a control character as `U+0000 (NUL)`: its code point, with its usual name where it has one.
struct ControlName(char);

impl fmt::Display for ControlName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "U+{:04X}", u32::from(self.0))?;
        let name = match self.0 {
            '\0' => "NUL",
            '\u{7}' => "BEL",
            '\u{8}' => "backspace",
            '\t' => "tab",
            '\n' => "line feed",
            '\r' => "carriage return",
            '\u{1b}' => "escape",
            '\u{7f}' => "delete",
            _ => return Ok(()),
        };
        write!(f, " ({name})")
    }
}

/// Implements what every text value has besides its constructor `new`.
macro_rules! text_value {
    ($name:ident, $error:ty) => {
        impl $name {
            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// Takes a text as a repository stored it, without checking it again.
            ///
            /// For storage adapters alone: rows that other software wrote may break a rule of today, and must stay
            /// readable all the same.
            #[must_use]
            pub fn from_stored(text: String) -> Self {
                Self(text)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = $error;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                Self::new(&text)
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0
            }
        }
    };
}
pub(crate) use text_value;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_control_character_is_named() {
        assert_eq!(
            TextError::ControlCharacter('\0').to_string(),
            "must not contain the control character U+0000 (NUL)"
        );
        assert_eq!(
            TextError::ControlCharacter('\u{85}').to_string(),
            "must not contain the control character U+0085"
        );
    }

    #[test]
    fn length_is_counted_in_characters_after_trimming() {
        assert_eq!(trimmed("  äöü  ", 3, Lines::Single), Ok("äöü".to_owned()));
        assert_eq!(
            trimmed(" 👩‍👩‍👧 ", 4, Lines::Single),
            Err(TextError::TooLong { max: 4, actual: 5 })
        );
    }
}
