//! Random secrets that are shown once, and what is kept of them.
//!
//! A secret says by its beginning what it is for and by its end that it is one, in the way of GitHub's tokens: whoever
//! looks through logs or code for secrets that have leaked can tell one from noise without asking anybody.

use std::fmt;

use zeroize::Zeroizing;

/// What a secret is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SecretKind {
    /// A program shows it in place of a login.
    PersonalAccessToken,
    /// Whoever has it may choose a new password.
    PasswordReset,
    /// Whoever has it reads the mail of an address.
    EmailVerification,
    /// The owner of an address cancels a pending change with it.
    EmailChangeCancellation,
    /// A device shows it to be known again.
    Device,
}

impl SecretKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [
        Self::PersonalAccessToken,
        Self::PasswordReset,
        Self::EmailVerification,
        Self::EmailChangeCancellation,
        Self::Device,
    ];

    /// How every secret of this kind begins, and no other.
    #[must_use]
    pub fn prefix(self) -> &'static str {
        match self {
            Self::PersonalAccessToken => "todo_pat_",
            Self::PasswordReset => "todo_pwr_",
            Self::EmailVerification => "todo_evt_",
            Self::EmailChangeCancellation => "todo_ecc_",
            Self::Device => "todo_dev_",
        }
    }
}

/// A random text that proves something to whoever made it, and is shown once.
///
/// It is the prefix of its kind, 192 random bits as 33 digits in base 62 (`0-9A-Za-z`), and 6 more such digits: the
/// CRC-32 of all that comes before. OWASP ASVS 5.0 (11.5.1) asks for 128 bits. It is wiped from memory when dropped and
/// never prints itself.
///
/// ```
/// use todo_domain::{InvalidSecret, Secret, SecretKind};
///
/// let secret = Secret::from_random(SecretKind::Device, [1, 2, 3]);
/// let text = secret.expose();
/// assert!(text.starts_with("todo_dev_"));
/// assert!(Secret::parse(SecretKind::Device, text).is_ok());
///
/// let mistyped = text.replace('3', "4");
/// let error = Secret::parse(SecretKind::Device, &mistyped).unwrap_err();
/// assert_eq!(error, InvalidSecret::Checksum);
/// assert_eq!(format!("{secret:?}"), "Secret(Device, …)");
/// ```
#[derive(Clone)]
pub struct Secret {
    kind: SecretKind,
    text: Zeroizing<String>,
}

/// Why a text is no secret of the kind that was expected. The text is not said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidSecret {
    /// It does not begin as secrets of this kind do.
    #[error("must begin with {}", .0.prefix())]
    Prefix(SecretKind),
    /// A character after the prefix is neither a digit nor a letter of ASCII.
    #[error("must consist of its prefix, letters and digits")]
    Character,
    /// It is cut short, or something follows it.
    #[error("must contain {expected} characters; got {actual}")]
    Length {
        /// The length of every secret of this kind.
        expected: usize,
        /// The number of characters.
        actual: usize,
    },
    /// Its end does not go with the rest: it was mistyped, or made up.
    #[error("has an invalid checksum")]
    Checksum,
}

impl Secret {
    /// How many digits in base 62 each part of the randomness takes: the fewest for 64 bits.
    const DIGITS_OF_RANDOM_PART: u32 = 11;
    /// How many parts there are.
    const RANDOM_PARTS: usize = 3;
    /// How many digits in base 62 the checksum takes: the fewest for 32 bits.
    const DIGITS_OF_CHECKSUM: u32 = 6;
    /// The number of characters after the prefix.
    const LENGTH_AFTER_PREFIX: usize = Self::RANDOM_PARTS * Self::DIGITS_OF_RANDOM_PART as usize
        + Self::DIGITS_OF_CHECKSUM as usize;

    /// Makes a secret of random bits, every one of which MUST come from a source that nobody can predict.
    #[must_use]
    pub fn from_random(kind: SecretKind, random: [u64; Self::RANDOM_PARTS]) -> Self {
        let prefix = kind.prefix();
        // Were it moved while it grows, a copy would stay behind that nothing wipes.
        let length = prefix.len() + Self::LENGTH_AFTER_PREFIX;
        let mut text = Zeroizing::new(String::with_capacity(length));
        text.push_str(prefix);
        for part in random {
            push_base62(&mut text, part, Self::DIGITS_OF_RANDOM_PART);
        }
        let checksum = crc32(text.as_bytes());
        push_base62(&mut text, checksum.into(), Self::DIGITS_OF_CHECKSUM);
        Self { kind, text }
    }

    /// Checks the form of a secret that someone shows: its prefix, its characters, its length and its checksum. Whether
    /// it was ever made, only its [digest](SecretDigest) can tell.
    ///
    /// # Errors
    /// [`InvalidSecret`].
    pub fn parse(kind: SecretKind, text: &str) -> Result<Self, InvalidSecret> {
        let after_prefix = text
            .strip_prefix(kind.prefix())
            .ok_or(InvalidSecret::Prefix(kind))?;
        if !after_prefix
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric())
        {
            return Err(InvalidSecret::Character);
        }
        if after_prefix.len() != Self::LENGTH_AFTER_PREFIX {
            return Err(InvalidSecret::Length {
                expected: kind.prefix().len() + Self::LENGTH_AFTER_PREFIX,
                actual: text.len(),
            });
        }
        let (before, checksum) = text.split_at(text.len() - Self::DIGITS_OF_CHECKSUM as usize);
        let mut expected = String::new();
        push_base62(
            &mut expected,
            crc32(before.as_bytes()).into(),
            Self::DIGITS_OF_CHECKSUM,
        );
        if checksum != expected {
            return Err(InvalidSecret::Checksum);
        }
        Ok(Self {
            kind,
            text: Zeroizing::new(text.to_owned()),
        })
    }

    /// What it is for.
    #[must_use]
    pub fn kind(&self) -> SecretKind {
        self.kind
    }

    /// The secret itself, for whom it is made and for a digest, and no one else.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({:?}, …)", self.kind)
    }
}

/// What is stored of a secret, and by which it is found again: 32 bytes that tell nothing of it.
///
/// It never prints itself.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SecretDigest([u8; 32]);

impl SecretDigest {
    /// Wraps a digest.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The digest, for a storage and no one else.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for SecretDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretDigest(…)")
    }
}

/// Appends the last `digits` digits of `number` in base 62, the highest first.
fn push_base62(text: &mut String, number: u64, digits: u32) {
    for place in (0..digits).rev() {
        let [digit, ..] = (number / 62_u64.pow(place) % 62).to_le_bytes();
        text.push(char::from(match digit {
            0..=9 => b'0' + digit,
            10..=35 => b'A' + (digit - 10),
            _ => b'a' + (digit - 36),
        }));
    }
}

/// The CRC-32 of Ethernet and zip (ISO/IEC 8802-3), bit by bit: it is computed over 42 bytes now and then.
fn crc32(bytes: &[u8]) -> u32 {
    const POLYNOMIAL_REVERSED: u32 = 0xEDB8_8320;
    let remainder = bytes.iter().fold(u32::MAX, |remainder, byte| {
        (0..8).fold(remainder ^ u32::from(*byte), |remainder, _| {
            let divided = remainder >> 1;
            if remainder & 1 == 1 {
                divided ^ POLYNOMIAL_REVERSED
            } else {
                divided
            }
        })
    });
    !remainder
}

#[cfg(test)]
mod tests {
    use proptest::{prelude::*, sample::select};
    use rstest::rstest;

    use super::*;

    fn any_kind() -> impl Strategy<Value = SecretKind> {
        select(SecretKind::ALL.as_slice())
    }

    fn any_secret() -> impl Strategy<Value = Secret> {
        (any_kind(), any::<[u64; 3]>()).prop_map(|(kind, random)| Secret::from_random(kind, random))
    }

    #[rstest]
    #[case::nothing("", 0)]
    #[case::check_value_of_the_algorithm("123456789", 0xCBF4_3926)]
    #[case::sentence("The quick brown fox jumps over the lazy dog", 0x414F_A339)]
    fn the_checksum_is_the_one_that_everybody_computes(#[case] text: &str, #[case] expected: u32) {
        assert_eq!(crc32(text.as_bytes()), expected);
    }

    #[rstest]
    #[case(0, "00000000000")]
    #[case(61, "0000000000z")]
    #[case(62 * 62 + 10 * 62 + 36, "000000001Aa")]
    #[case(u64::MAX, "LygHa16AHYF")]
    fn digits_are_in_order_and_the_highest_comes_first(
        #[case] number: u64,
        #[case] expected: &str,
    ) {
        let mut text = String::new();
        push_base62(&mut text, number, Secret::DIGITS_OF_RANDOM_PART);
        assert_eq!(text, expected);
    }

    /// Scanners that know the form, and secrets that are in use, hold us to it.
    #[rstest]
    #[case(
        SecretKind::PersonalAccessToken,
        "todo_pat_0000000000000000000001LygHa16AHYF22r4wb"
    )]
    fn the_form_stays_as_it_is(#[case] kind: SecretKind, #[case] expected: &str) {
        let secret = Secret::from_random(kind, [0, 1, u64::MAX]);
        assert_eq!(secret.expose(), expected);
    }

    #[test]
    fn every_kind_has_a_prefix_of_its_own() {
        for kind in SecretKind::ALL {
            let secret = Secret::from_random(kind, [1, 2, 3]);
            assert_eq!(secret.kind(), kind);
            assert_eq!(secret.expose().len(), 48);
            for other in SecretKind::ALL {
                let parsed = Secret::parse(other, secret.expose());
                if other == kind {
                    assert!(parsed.is_ok());
                } else {
                    assert_eq!(parsed.unwrap_err(), InvalidSecret::Prefix(other));
                }
            }
        }
    }

    #[rstest]
    #[case::empty("", InvalidSecret::Prefix(SecretKind::Device))]
    #[case::prefix_in_another_case("TODO_DEV_", InvalidSecret::Prefix(SecretKind::Device))]
    #[case::prefix_alone("todo_dev_", InvalidSecret::Length { expected: 48, actual: 9 })]
    #[case::space_at_the_end("todo_dev_0 ", InvalidSecret::Character)]
    #[case::not_ascii("todo_dev_ä", InvalidSecret::Character)]
    #[case::made_up(
        "todo_dev_000000000000000000000000000000000000000",
        InvalidSecret::Checksum
    )]
    fn what_is_no_secret_is_refused(#[case] text: &str, #[case] expected: InvalidSecret) {
        assert_eq!(
            Secret::parse(SecretKind::Device, text).unwrap_err(),
            expected
        );
    }

    #[test]
    fn nothing_prints_a_secret() {
        let secret = Secret::from_random(SecretKind::Device, [1, 2, 3]);
        assert_eq!(format!("{secret:?}"), "Secret(Device, …)");
        let digest = SecretDigest::from_bytes([7; 32]);
        assert_eq!(format!("{digest:?}"), "SecretDigest(…)");
        let beginning = secret.expose().get(..40).unwrap();
        let error = Secret::parse(SecretKind::Device, beginning).unwrap_err();
        for printed in [format!("{error}"), format!("{error:?}")] {
            assert!(!printed.contains(beginning), "{printed}");
        }
    }

    proptest! {
        #[test]
        fn what_was_made_is_accepted_and_stays_what_it_is(secret in any_secret()) {
            let parsed = Secret::parse(secret.kind(), secret.expose()).unwrap();
            prop_assert_eq!(parsed.expose(), secret.expose());
            prop_assert_eq!(parsed.kind(), secret.kind());
        }

        #[test]
        fn other_randomness_makes_another_secret(
            kind in any_kind(),
            one in any::<[u64; 3]>(),
            other in any::<[u64; 3]>(),
        ) {
            let [first, second] = [one, other].map(|random| Secret::from_random(kind, random));
            prop_assert_eq!(one == other, first.expose() == second.expose());
        }

        #[test]
        fn one_changed_character_is_noticed(secret in any_secret(), other in "[ -~]|\\PC") {
            for (at, character) in secret.expose().char_indices() {
                let mut changed = secret.expose().to_owned();
                changed.replace_range(at..=at, &other);
                let accepted = Secret::parse(secret.kind(), &changed).is_ok();
                prop_assert_eq!(accepted, character.to_string() == other);
            }
        }

        #[test]
        fn one_character_more_or_less_is_noticed(secret in any_secret(), other in "[0-9A-Za-z]") {
            for at in 0..secret.expose().len() {
                let mut less = secret.expose().to_owned();
                less.remove(at);
                prop_assert!(Secret::parse(secret.kind(), &less).is_err());
                let mut more = secret.expose().to_owned();
                more.insert_str(at, &other);
                prop_assert!(Secret::parse(secret.kind(), &more).is_err());
            }
        }
    }

    /// A fuzz target.
    #[test]
    fn nothing_but_what_was_made_is_accepted() {
        bolero::check!()
            .with_type::<([u64; 3], Vec<(u8, char)>)>()
            .for_each(|(random, edits)| {
                for kind in SecretKind::ALL {
                    let secret = Secret::from_random(kind, *random);
                    let text = crate::fuzzing::bent(secret.expose(), edits);
                    let parsed = Secret::parse(kind, &text);
                    if text == secret.expose() {
                        assert!(parsed.is_ok());
                    }
                    if let Ok(parsed) = parsed {
                        assert_eq!(parsed.expose(), text);
                        assert_eq!(text.len(), secret.expose().len());
                    }
                }
            });
    }
}
