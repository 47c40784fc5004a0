//! Passwords as people type them. They are wiped from memory when dropped and never print themselves.

use std::fmt;

use zeroize::Zeroizing;

/// A password that may be chosen: 8 to 128 characters, whichever they are, and not trimmed.
///
/// Length is the only rule (NIST SP 800-63B-4, 3.1.1.2: no composition rules, every character counts as one).
///
/// ```
/// use todo_domain::Password;
///
/// let password = Password::new("correct horse")?;
/// assert_eq!(format!("{password:?}"), "Password(…)");
/// assert!(Password::new("short").is_err());
/// # Ok::<(), todo_domain::PasswordError>(())
/// ```
#[derive(Clone)]
pub struct Password(Zeroizing<String>);

/// A password as typed at a login.
///
/// No minimum is demanded: the rules may have been others when it was chosen, and whoever mistypes a password should
/// be told that it is wrong, not that it is short.
#[derive(Clone)]
pub struct PasswordAttempt(Zeroizing<String>);

/// Why a text is no password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PasswordError {
    /// Nothing was typed.
    #[error("must not be empty")]
    Empty,
    /// Fewer characters than demanded.
    #[error("must have at least {min} characters, but has {actual}")]
    TooShort {
        /// The smallest allowed number of characters.
        min: usize,
        /// The number of characters.
        actual: usize,
    },
    /// More characters than allowed.
    #[error("must have at most {max} characters, but has {actual}")]
    TooLong {
        /// The largest allowed number of characters.
        max: usize,
        /// The number of characters.
        actual: usize,
    },
}

impl Password {
    /// The smallest number of characters.
    pub const MIN_LENGTH: usize = 8;
    /// The largest number of characters.
    pub const MAX_LENGTH: usize = 128;

    /// Checks a new password.
    ///
    /// # Errors
    /// [`PasswordError`] when it is too short or too long.
    pub fn new(text: &str) -> Result<Self, PasswordError> {
        let actual = length_up_to_limit(text)?;
        if actual < Self::MIN_LENGTH {
            return Err(PasswordError::TooShort {
                min: Self::MIN_LENGTH,
                actual,
            });
        }
        Ok(Self(Zeroizing::new(text.to_owned())))
    }

    /// The password itself, for a hasher and no one else.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl PasswordAttempt {
    /// Checks a password typed at a login.
    ///
    /// # Errors
    /// [`PasswordError`] when it is empty, or longer than any password can be.
    pub fn new(text: &str) -> Result<Self, PasswordError> {
        if length_up_to_limit(text)? == 0 {
            return Err(PasswordError::Empty);
        }
        Ok(Self(Zeroizing::new(text.to_owned())))
    }

    /// The password itself, for a hasher and no one else.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

fn length_up_to_limit(text: &str) -> Result<usize, PasswordError> {
    let actual = text.chars().count();
    if actual > Password::MAX_LENGTH {
        return Err(PasswordError::TooLong {
            max: Password::MAX_LENGTH,
            actual,
        });
    }
    Ok(actual)
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

impl fmt::Debug for PasswordAttempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordAttempt(…)")
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::shortest("x".repeat(8), true)]
    #[case::one_too_short("x".repeat(7), false)]
    #[case::longest("x".repeat(128), true)]
    #[case::one_too_long("x".repeat(129), false)]
    #[case::characters_not_bytes("ä".repeat(128), true)]
    #[case::spaces_count(" ".repeat(8), true)]
    #[case::empty(String::new(), false)]
    fn a_new_password_has_8_to_128_characters(#[case] text: String, #[case] accepted: bool) {
        assert_eq!(Password::new(&text).is_ok(), accepted);
    }

    #[rstest]
    #[case("x".to_owned(), None)]
    #[case("x".repeat(128), None)]
    #[case("x".repeat(129), Some(PasswordError::TooLong { max: 128, actual: 129 }))]
    #[case(String::new(), Some(PasswordError::Empty))]
    fn an_attempt_has_1_to_128_characters(
        #[case] text: String,
        #[case] error: Option<PasswordError>,
    ) {
        assert_eq!(PasswordAttempt::new(&text).err(), error);
    }

    #[test]
    fn nothing_prints_a_password() {
        let text = "tell no one";
        let printed = format!(
            "{:?} {:?}",
            Password::new(text).unwrap(),
            PasswordAttempt::new(text).unwrap()
        );
        assert!(!printed.contains(text), "{printed}");
    }
}
