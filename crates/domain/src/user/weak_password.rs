//! Passwords that are too easily guessed to be chosen.
//!
//! A password is refused only for what all of it is, never for a part of it (NIST SP 800-63B-4, 3.1.1.2), and whoever
//! chose it is told why. This is asked where a password is chosen, and never at a login: who has one of these already
//! must get in to change it.

use zeroize::Zeroizing;

use super::password::normalized;
use crate::{DisplayName, Email, Password, User, fold_case, ports::CommonPasswords};

/// What this service is called, in lower case and without spaces and punctuation: the documented list of words that
/// OWASP ASVS 5.0 (6.1.2) asks for. What an account adds to it is its [`PasswordContext`].
const SERVICE_NAMES: [&str; 7] = [
    "todo",
    "todoapi",
    "todoapp",
    "todobackend",
    "todoserver",
    "todoservice",
    "todotodo",
];

/// What others know of the account that a password is chosen for.
#[derive(Debug, Clone, Copy)]
pub struct PasswordContext<'a> {
    /// The address of the account.
    pub email: &'a Email,
    /// What its user is called.
    pub name: Option<&'a DisplayName>,
}

impl<'a> From<&'a User> for PasswordContext<'a> {
    fn from(user: &'a User) -> Self {
        Self {
            email: &user.email,
            name: user.name.as_ref(),
        }
    }
}

/// Why a password is too easily guessed, and what would be better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WeakPassword {
    /// Many people choose it.
    #[error("must not be a common password; use several unrelated words")]
    Common,
    /// It is the address of the account, or what comes before its `@`.
    #[error("must not be the e-mail address or its local part; use several unrelated words")]
    Email,
    /// It is what the user is called.
    #[error("must not be the name of the user; use several unrelated words")]
    Name,
    /// It is what this service is called.
    #[error("must not be the name of this service; use several unrelated words")]
    Service,
}

impl Password {
    /// Refuses a password that is easily guessed, for the account that it is chosen for: one of the `common` ones
    /// (OWASP ASVS 5.0, 6.2.4), or what the account or this service is called (6.2.11).
    ///
    /// Differences of case do not count, nor do spaces and punctuation where it is compared with what something is
    /// called.
    ///
    /// # Errors
    /// [`WeakPassword`].
    pub fn refuse_guessable(
        &self,
        context: PasswordContext<'_>,
        common: &dyn CommonPasswords,
    ) -> Result<(), WeakPassword> {
        let folded = Zeroizing::new(fold_case(self.expose()));
        if common.contains(&folded) {
            return Err(WeakPassword::Common);
        }
        let bare = Zeroizing::new(without_spaces_and_punctuation(&folded));
        let is = |name: &str| {
            let name = without_spaces_and_punctuation(&fold_case(&normalized(name)));
            !name.is_empty() && name == *bare
        };
        let address = context.email.as_str();
        let local_part = address.split('@').next().unwrap_or(address);
        if is(address) || is(local_part) {
            return Err(WeakPassword::Email);
        }
        if context.name.is_some_and(|name| is(name.as_str())) {
            return Err(WeakPassword::Name);
        }
        if SERVICE_NAMES.contains(&bare.as_str()) {
            return Err(WeakPassword::Service);
        }
        Ok(())
    }
}

fn without_spaces_and_punctuation(text: &str) -> String {
    text.chars()
        .filter(|character| !character.is_whitespace() && !character.is_ascii_punctuation())
        .collect()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    /// The one password that is common.
    struct Common(&'static str);

    impl CommonPasswords for Common {
        fn contains(&self, folded: &str) -> bool {
            folded == self.0
        }
    }

    /// What is said of `password`, where Zoë Lovelace chooses it and `common` is the only common one.
    fn refusal(password: &str, common: &'static str) -> Option<WeakPassword> {
        let email = Email::new("zoe.lovelace@example.com").unwrap();
        let name = DisplayName::new("Zo\u{eb} Lovelace").unwrap();
        let context = PasswordContext {
            email: &email,
            name: Some(&name),
        };
        let password = Password::new(password).unwrap();
        password.refuse_guessable(context, &Common(common)).err()
    }

    #[rstest]
    #[case::as_it_is("sunshine", "sunshine")]
    #[case::in_another_case("SunShine", "sunshine")]
    #[case::in_another_spelling("SE\u{303}NORITA", "s\u{1ebd}norita")]
    fn a_common_password_is_refused(#[case] password: &str, #[case] common: &'static str) {
        assert_eq!(refusal(password, common), Some(WeakPassword::Common));
    }

    #[rstest]
    #[case::address("zoe.lovelace@example.com", WeakPassword::Email)]
    #[case::address_in_another_case("Zoe.Lovelace@Example.com", WeakPassword::Email)]
    #[case::local_part("zoe.lovelace", WeakPassword::Email)]
    #[case::local_part_without_its_punctuation("ZoeLovelace!", WeakPassword::Email)]
    #[case::name("Zo\u{eb} Lovelace", WeakPassword::Name)]
    #[case::name_in_another_case("ZO\u{cb} LOVELACE", WeakPassword::Name)]
    #[case::name_in_another_spelling("zoe\u{308} lovelace", WeakPassword::Name)]
    #[case::name_without_its_space("zo\u{eb}lovelace", WeakPassword::Name)]
    #[case::service("Todo-Server", WeakPassword::Service)]
    #[case::service_and_little_else("**todo**", WeakPassword::Service)]
    fn what_the_account_or_the_service_is_called_is_refused(
        #[case] password: &str,
        #[case] expected: WeakPassword,
    ) {
        assert_eq!(refusal(password, ""), Some(expected));
    }

    #[rstest]
    #[case::with_a_common_one_in_it("sunshine of my life")]
    #[case::with_the_address_in_it("zoe.lovelace@example.com sings")]
    #[case::with_the_name_in_it("zo\u{eb} lovelace sings")]
    #[case::with_the_service_in_it("todo or not todo")]
    #[case::part_of_the_name("Lovelace")]
    #[case::domain_of_the_address("example.com")]
    #[case::punctuation("!!!!!!!!")]
    fn only_the_whole_of_a_password_is_compared(#[case] password: &str) {
        assert_eq!(refusal(password, "sunshine"), None);
    }

    #[test]
    fn a_name_of_punctuation_refuses_no_password_of_punctuation() {
        let email = Email::new("...@example.com").unwrap();
        let name = DisplayName::new("***").unwrap();
        for name in [None, Some(&name)] {
            let context = PasswordContext {
                email: &email,
                name,
            };
            let password = Password::new("!!!!!!!!").unwrap();
            let result = password.refuse_guessable(context, &Common("sunshine"));
            assert_eq!(result, Ok(()));
        }
    }

    #[test]
    fn the_names_of_the_service_are_as_they_are_compared() {
        for name in SERVICE_NAMES {
            assert_eq!(without_spaces_and_punctuation(&fold_case(name)), name);
        }
    }
}
