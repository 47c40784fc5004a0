//! Passwords as people type them. They are wiped from memory when dropped and never print themselves.
//!
//! One text can be spelled in several ways that look the same: `ä` is one character to some keyboards, and `a` with a
//! combining diaeresis to others. So passwords are compared in Normalization Form C (Unicode Standard Annex 15), as
//! NIST SP 800-63B-4 (3.1.1.2) and RFC 8265 (4.2.2) ask for. Nothing else is changed about what was typed: it is neither
//! trimmed, nor cut off, nor put in another case (OWASP ASVS 5.0, 6.2.8).

use std::fmt;

use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

/// A password of a length that may be chosen: 8 to 128 characters in Normalization Form C, whichever they are, and not
/// trimmed.
///
/// Every character counts as one, and none is demanded or forbidden (NIST SP 800-63B-4, 3.1.1.2; OWASP ASVS 5.0, 6.2.1,
/// 6.2.5 and 6.2.9).
///
/// ```
/// use todo_domain::Password;
///
/// let password = Password::new("correct horse")?;
/// assert_eq!(format!("{password:?}"), "Password(…)");
/// assert!(Password::new("short").is_err());
///
/// let [composed, decomposed] = ["caf\u{e9} au lait", "cafe\u{301} au lait"].map(Password::new);
/// assert_eq!(composed?.expose(), decomposed?.expose());
/// # Ok::<(), todo_domain::PasswordError>(())
/// ```
#[derive(Clone)]
pub struct Password(Zeroizing<String>);

/// A password as typed at a login, and in Normalization Form C.
///
/// No minimum is demanded: the rules may have been others when it was chosen, and whoever mistypes a password should
/// be told that it is wrong, not that it is short.
#[derive(Clone)]
pub struct PasswordAttempt {
    typed: Zeroizing<String>,
    normalized: Zeroizing<String>,
}

/// Why a text is no password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PasswordError {
    /// Nothing was typed.
    #[error("must not be empty")]
    Empty,
    /// Fewer characters than demanded.
    #[error("must contain at least {min} characters; got {actual}")]
    TooShort {
        /// The smallest allowed number of characters.
        min: usize,
        /// The number of characters.
        actual: usize,
    },
    /// More characters than allowed.
    #[error("must contain at most {max} characters; got {actual}")]
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
        let normalized = normalized(text);
        let actual = normalized.chars().count();
        if actual < Self::MIN_LENGTH {
            return Err(PasswordError::TooShort {
                min: Self::MIN_LENGTH,
                actual,
            });
        }
        no_longer_than_allowed(actual)?;
        Ok(Self(normalized))
    }

    /// The password itself, in Normalization Form C, for a hasher and no one else.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl PasswordAttempt {
    /// Checks a password typed at a login.
    ///
    /// Its length is the smaller one of what was typed and of Normalization Form C, either of which a hash may be of.
    ///
    /// # Errors
    /// [`PasswordError`] when it is empty, or longer than any password can be.
    pub fn new(text: &str) -> Result<Self, PasswordError> {
        if text.is_empty() {
            return Err(PasswordError::Empty);
        }
        let normalized = normalized(text);
        no_longer_than_allowed(text.chars().count().min(normalized.chars().count()))?;
        Ok(Self {
            typed: Zeroizing::new(text.to_owned()),
            normalized,
        })
    }

    /// The password itself, in Normalization Form C, for a hasher and no one else.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.normalized
    }

    /// What was typed, for a hasher that has a hash which was not made of Normalization Form C, and no one else.
    #[must_use]
    pub fn expose_as_typed(&self) -> &str {
        &self.typed
    }
}

/// `text` in Normalization Form C.
pub(super) fn normalized(text: &str) -> Zeroizing<String> {
    // No text gets longer than this. Were it moved while it grows, a copy would stay behind that nothing wipes.
    let mut normalized = Zeroizing::new(String::with_capacity(text.len().saturating_mul(3)));
    normalized.extend(text.nfc());
    normalized
}

fn no_longer_than_allowed(actual: usize) -> Result<(), PasswordError> {
    if actual > Password::MAX_LENGTH {
        return Err(PasswordError::TooLong {
            max: Password::MAX_LENGTH,
            actual,
        });
    }
    Ok(())
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
    use proptest::{collection::vec, prelude::*, sample::select};
    use rstest::rstest;

    use super::*;

    /// Texts that have many a spelling.
    fn any_text() -> impl Strategy<Value = String> {
        let of_many_spellings = select(
            "aeouAO\u{300}\u{301}\u{308}\u{323}\u{327}äÄé\u{1e69}\u{212b}\u{2126}한각\u{1100}\u{1161}\u{958}"
                .chars()
                .collect::<Vec<_>>(),
        );
        vec(prop_oneof![of_many_spellings, any::<char>()], 1..=40)
            .prop_map(|characters| characters.into_iter().collect())
    }

    fn composed(text: &str) -> String {
        text.nfc().collect()
    }

    fn decomposed(text: &str) -> String {
        text.nfd().collect()
    }

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

    #[rstest]
    #[case::shortest("a\u{308}".repeat(8), true)]
    #[case::one_too_short("a\u{308}".repeat(7), false)]
    #[case::longest("a\u{308}".repeat(128), true)]
    #[case::one_too_long("a\u{308}".repeat(129), false)]
    // A letter that the standard never composes.
    #[case::longest_that_grows("\u{958}".repeat(64), true)]
    #[case::one_too_long_that_grows("\u{958}".repeat(65), false)]
    fn length_is_counted_in_the_normal_form(#[case] text: String, #[case] accepted: bool) {
        assert_eq!(Password::new(&text).is_ok(), accepted);
    }

    #[rstest]
    #[case::as_normalized("a\u{308}".repeat(128), None)]
    #[case::as_typed("\u{958}".repeat(128), None)]
    #[case::neither("a\u{308}".repeat(129), Some(PasswordError::TooLong { max: 128, actual: 129 }))]
    #[case::nor("\u{958}".repeat(129), Some(PasswordError::TooLong { max: 128, actual: 129 }))]
    fn an_attempt_may_be_as_long_as_what_any_hash_is_of(
        #[case] text: String,
        #[case] error: Option<PasswordError>,
    ) {
        assert_eq!(PasswordAttempt::new(&text).err(), error);
    }

    #[rstest]
    #[case::case("Correct horse", "correct horse")]
    #[case::space_at_the_end("correct horse ", "correct horse")]
    #[case::ligature("\u{fb01}ne horses", "fine horses")]
    #[case::full_width("\u{ff43}orrect horse", "correct horse")]
    fn what_differs_in_more_than_spelling_is_another_password(
        #[case] one: &str,
        #[case] other: &str,
    ) {
        assert_ne!(
            Password::new(one).unwrap().expose(),
            Password::new(other).unwrap().expose()
        );
    }

    proptest! {
        #[test]
        fn the_spellings_of_one_password_are_one_password(text in any_text()) {
            let spellings = [text.clone(), composed(&text), decomposed(&text)]
                .map(|text| Password::new(&text).map(|password| password.expose().to_owned()));
            prop_assert_eq!(&spellings[0], &spellings[1]);
            prop_assert_eq!(&spellings[0], &spellings[2]);
        }

        #[test]
        fn whatever_may_be_chosen_can_be_typed_in_every_spelling(text in any_text()) {
            if let Ok(password) = Password::new(&text) {
                for spelling in [text.clone(), composed(&text), decomposed(&text)] {
                    let attempt = PasswordAttempt::new(&spelling).unwrap();
                    prop_assert_eq!(attempt.expose(), password.expose());
                    prop_assert_eq!(attempt.expose_as_typed(), spelling);
                }
            }
        }

        #[test]
        fn a_normal_form_is_never_moved_while_it_grows(text in any_text()) {
            prop_assert!(normalized(&text).len() <= 3 * text.len());
        }
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
