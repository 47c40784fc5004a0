//! E-mail addresses.

use crate::text::{Lines, TextError, text_value, trimmed_not_empty};

/// An e-mail address, trimmed and in lower case, of at most 255 characters.
///
/// Only what every address has is demanded: a local part, one `@`, and a domain of at least two labels. Whether mail
/// arrives there, only a mail can tell.
///
/// ```
/// use todo_domain::Email;
///
/// assert_eq!(Email::new(" Ada@Example.COM ")?.as_str(), "ada@example.com");
/// assert!(Email::new("ada.example.com").is_err());
/// # Ok::<(), todo_domain::EmailError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "String", into = "String"))]
pub struct Email(String);

/// Why a text is no [`Email`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EmailError {
    /// A rule of every text is broken.
    #[error(transparent)]
    Text(#[from] TextError),
    /// It does not have the form of an address.
    #[error("must be an e-mail address, such as ada@example.com")]
    Malformed,
}

impl Email {
    /// The largest number of characters.
    pub const MAX_LENGTH: usize = 255;

    /// Trims, lower-cases and checks an address.
    ///
    /// # Errors
    /// [`EmailError`] when it is empty, too long, contains a control character, or is not formed like an address.
    pub fn new(text: &str) -> Result<Self, EmailError> {
        let address = trimmed_not_empty(&text.to_lowercase(), Self::MAX_LENGTH, Lines::Single)?;
        if has_the_form_of_an_address(&address) {
            Ok(Self(address))
        } else {
            Err(EmailError::Malformed)
        }
    }
}

fn has_the_form_of_an_address(address: &str) -> bool {
    let Some((local, domain)) = address.split_once('@') else {
        return false;
    };
    !local.is_empty()
        && !domain.contains('@')
        && !address.contains(char::is_whitespace)
        && domain.contains('.')
        && domain.split('.').all(|label| !label.is_empty())
}

text_value!(Email, EmailError);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("ada@example.com")]
    #[case("ada+todo@mail.example.co.uk")]
    #[case("o'hara@example.com")]
    #[case("ünï@exämple.com")]
    fn an_address_is_accepted(#[case] text: &str) {
        assert_eq!(Email::new(text).unwrap().as_str(), text);
    }

    #[rstest]
    #[case("ada")]
    #[case("ada@")]
    #[case("@example.com")]
    #[case("ada@example")]
    #[case("ada@example..com")]
    #[case("ada@.example.com")]
    #[case("ada@example.com.")]
    #[case("ada@home@example.com")]
    #[case("ada lovelace@example.com")]
    fn what_is_no_address_is_refused(#[case] text: &str) {
        assert_eq!(Email::new(text), Err(EmailError::Malformed));
    }

    #[test]
    fn the_limit_holds_for_what_is_stored() {
        let longest = format!("{}@example.com", "a".repeat(Email::MAX_LENGTH - 12));
        assert!(Email::new(&format!("  {longest}  ")).is_ok());
        assert_eq!(
            Email::new(&format!("a{longest}")),
            Err(EmailError::Text(TextError::TooLong {
                max: 255,
                actual: 256
            }))
        );
    }

    proptest! {
        #[test]
        fn parsing_twice_changes_nothing(text in "[ -~]{1,20}@[a-zA-Z]{1,10}\\.[a-zA-Z]{2,5}") {
            if let Ok(email) = Email::new(&text) {
                prop_assert_eq!(Email::new(email.as_str()), Ok(email));
            }
        }
    }
}
