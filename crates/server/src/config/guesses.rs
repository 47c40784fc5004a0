//! How often passwords may be guessed at.

use todo_domain::{GuessLimit, GuessPolicy};

use super::Variables;

pub(super) fn policy(variables: &mut Variables<'_>) -> GuessPolicy {
    let default = GuessPolicy::default();
    let mut limit = |name, default: GuessLimit| GuessLimit {
        without_delay: variables.number(name, default.without_delay, 1),
    };
    GuessPolicy {
        account: limit("LOGIN_FAILURES_PER_ACCOUNT", default.account),
        known: limit("LOGIN_FAILURES_PER_KNOWN_DEVICE", default.known),
        address: limit("LOGIN_FAILURES_PER_ADDRESS", default.address),
        registrations: limit("REGISTRATIONS_PER_ADDRESS", default.registrations),
    }
}
