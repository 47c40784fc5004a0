//! Conversion of addresses to those of mails.

use lettre::{Address, address::AddressError};
use todo_domain::Email;

/// The address as mails have it. Whether an address is accepted and how a mail is made out are told by this alone.
pub(super) fn address(email: &Email) -> Result<Address, AddressError> {
    email.as_str().parse()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("ada@example.com", true)]
    #[case("ada+todo@mail.example.co.uk", true)]
    #[case("o'hara@example.com", true)]
    #[case("ünï@exämple.com", true)]
    #[case("ada.@example.com", false)]
    #[case("ada..lovelace@example.com", false)]
    #[case("ada,grace@example.com", false)]
    #[case("<ada>@example.com", false)]
    #[case("ada@-example.com", false)]
    #[case("ada@example.com>", false)]
    fn only_addresses_that_mails_can_have_are_accepted(#[case] text: &str, #[case] expected: bool) {
        // The domain takes all of these.
        let email = Email::new(text).unwrap();
        assert_eq!(address(&email).is_ok(), expected);
    }
}
