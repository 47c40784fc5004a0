//! Rate limits of requests, successful logins and token refreshes.

use std::num::NonZeroU32;

use todo_runtime::RateLimitSettings;

use super::Variables;

/// 1,000 per second: enough for an office or a school behind one address.
const PER_ADDRESS: u32 = 60_000;
/// 100 per second: far above a busy page. Programs use batches.
const PER_USER: u32 = 6_000;
/// One in three seconds: people log in once a day, and programs keep their session.
const LOGINS_PER_ACCOUNT: u32 = 20;
/// One in three seconds: a client refreshes when its access token expires.
const REFRESHES_PER_SESSION: u32 = 20;

pub(super) fn settings(variables: &mut Variables<'_>) -> RateLimitSettings {
    let mut limit = |name, default| NonZeroU32::new(number(variables, name, default));
    RateLimitSettings {
        requests_per_minute_per_address: limit("REQUESTS_PER_MINUTE_PER_ADDRESS", PER_ADDRESS),
        requests_per_minute_per_user: limit("REQUESTS_PER_MINUTE_PER_USER", PER_USER),
    }
}

/// Successful logins per minute, of an account and of a known device; `None` for no limit.
pub(super) fn logins(variables: &mut Variables<'_>) -> Option<NonZeroU32> {
    let name = "LOGINS_PER_MINUTE_PER_ACCOUNT";
    NonZeroU32::new(number(variables, name, LOGINS_PER_ACCOUNT))
}

/// Token refreshes per minute and session; `None` for no limit.
pub(super) fn refreshes(variables: &mut Variables<'_>) -> Option<NonZeroU32> {
    let name = "REFRESHES_PER_MINUTE_PER_SESSION";
    NonZeroU32::new(number(variables, name, REFRESHES_PER_SESSION))
}

fn number(variables: &mut Variables<'_>, name: &str, default: u32) -> u32 {
    let number = variables.parsed(name, |text| {
        let fault = |_| {
            format!(
                "must be a whole number of at most {}, or 0 for no limit; got {text:?}",
                u32::MAX
            )
        };
        text.parse().map_err(fault)
    });
    number.unwrap_or(default)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::config::testing::read;

    fn limits(per_address: &str, per_user: &str) -> RateLimitSettings {
        let config = read(&[
            ("REQUESTS_PER_MINUTE_PER_ADDRESS", per_address),
            ("REQUESTS_PER_MINUTE_PER_USER", per_user),
        ]);
        config.unwrap().http.rate_limits
    }

    #[test]
    fn zero_is_no_limit_and_nothing_is_the_default() {
        for (text, per_address, per_user) in [
            ("", PER_ADDRESS, PER_USER),
            ("0", 0, 0),
            ("1", 1, 1),
            ("4294967295", u32::MAX, u32::MAX),
        ] {
            let expected = RateLimitSettings {
                requests_per_minute_per_address: NonZeroU32::new(per_address),
                requests_per_minute_per_user: NonZeroU32::new(per_user),
            };
            assert_eq!(limits(text, text), expected, "{text:?}");
        }
        assert_eq!(limits("0", "7").requests_per_minute_per_address, None);
    }

    #[test]
    fn twenty_logins_a_minute_may_succeed_unless_another_number_is_set() {
        for (text, expected) in [("", 20), ("0", 0), ("7", 7)] {
            let config = read(&[("LOGINS_PER_MINUTE_PER_ACCOUNT", text)]).unwrap();
            assert_eq!(config.logins_per_minute, NonZeroU32::new(expected));
        }
    }

    #[rstest]
    fn what_is_no_number_of_requests_is_named(
        #[values(
            "REQUESTS_PER_MINUTE_PER_ADDRESS",
            "REQUESTS_PER_MINUTE_PER_USER",
            "LOGINS_PER_MINUTE_PER_ACCOUNT"
        )]
        name: &str,
        #[values("-1", "many", "1.5", "4294967296", "10/s")] text: &str,
    ) {
        let error = read(&[(name, text)]).unwrap_err();
        let expected = format!(
            "{name} must be a whole number of at most 4294967295, or 0 for no limit; got {text:?}"
        );
        assert_eq!(error.0, [expected]);
    }
}
