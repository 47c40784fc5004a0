//! Login throttling, and limits of registrations and mails.

use todo_domain::{AttemptLimit, ThrottlePolicy};

use super::Variables;

pub(super) fn policy(variables: &mut Variables<'_>) -> ThrottlePolicy {
    let default = ThrottlePolicy::default();
    let mut limit = |name, default: AttemptLimit| AttemptLimit {
        without_delay: variables.number(name, default.without_delay, 1),
        ..default
    };
    ThrottlePolicy {
        account: limit("LOGIN_FAILURES_PER_ACCOUNT", default.account),
        known: limit("LOGIN_FAILURES_PER_KNOWN_DEVICE", default.known),
        address: limit("LOGIN_FAILURES_PER_ADDRESS", default.address),
        confirmations: limit("PASSWORD_FAILURES_PER_SESSION", default.confirmations),
        registrations: limit("REGISTRATIONS_PER_ADDRESS", default.registrations),
        mails: limit("MAILS_PER_ADDRESS", default.mails),
    }
}
