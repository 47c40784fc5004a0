//! How many requests one address and one user may make.
//!
//! It protects what this instance can do, so each instance counts for itself, in memory. An allowance is a full bucket
//! that is filled again evenly (GCRA): what is left of it need not be kept once it is full.

use std::{fmt, hash::Hash, net::IpAddr, num::NonZeroU32, time::Duration};

use governor::{
    Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    middleware::NoOpMiddleware,
    state::keyed::DashMapStateStore,
};
use todo_domain::{NETWORKS_PER_SITE, UserId, network_of, site_of};

/// How many requests may be made. `None` is for any number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimitSettings {
    /// From one address, at once or within a minute. Of IPv6, a network of 64 bits is one: a single machine has all of
    /// it.
    pub requests_per_minute_per_address: Option<NonZeroU32>,
    /// By one user, whichever credentials are shown.
    pub requests_per_minute_per_user: Option<NonZeroU32>,
}

/// Too many requests were made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many requests from one {policy}")]
pub struct RateLimited {
    /// What is counted.
    pub policy: &'static str,
    /// How many of them may be made in a minute.
    pub per_minute: NonZeroU32,
    /// After which time one more may be made.
    pub retry_after: Duration,
}

/// What was counted so far.
#[derive(Debug)]
pub struct RateLimits {
    addresses: Option<RateLimit<Option<IpAddr>>>,
    /// Of IPv6, networks of 48 bits.
    sites: Option<RateLimit<IpAddr>>,
    users: Option<RateLimit<UserId>>,
}

impl RateLimits {
    /// Nothing was counted so far.
    #[must_use]
    pub fn new(settings: RateLimitSettings) -> Self {
        Self {
            addresses: settings
                .requests_per_minute_per_address
                .map(|limit| RateLimit::new("address", limit, DefaultClock::default())),
            sites: settings.requests_per_minute_per_address.map(|limit| {
                let of_site = NonZeroU32::new(NETWORKS_PER_SITE)
                    .map_or(limit, |networks| limit.saturating_mul(networks));
                RateLimit::new("site", of_site, DefaultClock::default())
            }),
            users: settings
                .requests_per_minute_per_user
                .map(|limit| RateLimit::new("user", limit, DefaultClock::default())),
        }
    }

    /// Counts a request from an address and its site; those whose address is not known are counted together.
    ///
    /// # Errors
    /// [`RateLimited`]; then it is not counted.
    pub fn count_address(&self, address: Option<IpAddr>) -> Result<(), RateLimited> {
        let network = address.map(network_of);
        if let Some(limit) = &self.addresses {
            limit.count(&network)?;
        }
        match (&self.sites, address.and_then(site_of)) {
            (Some(limit), Some(site)) => limit.count(&site),
            _ => Ok(()),
        }
    }

    /// Counts a request of a user.
    ///
    /// # Errors
    /// [`RateLimited`]; then it is not counted.
    pub fn count_user(&self, user: UserId) -> Result<(), RateLimited> {
        self.users
            .as_ref()
            .map_or(Ok(()), |limit| limit.count(&user))
    }

    /// Forgets those who may make as many requests as if they had made none.
    pub(crate) fn forget_idle(&self) {
        if let Some(limit) = &self.addresses {
            limit.forget_idle();
        }
        if let Some(limit) = &self.sites {
            limit.forget_idle();
        }
        if let Some(limit) = &self.users {
            limit.forget_idle();
        }
    }
}

/// How many requests may be made by each of many.
struct RateLimit<K: Hash + Eq + Clone, C: Clock = DefaultClock> {
    policy: &'static str,
    per_minute: NonZeroU32,
    limiter: RateLimiter<K, DashMapStateStore<K>, C, NoOpMiddleware<C::Instant>>,
}

impl<K: Hash + Eq + Clone, C: Clock> RateLimit<K, C> {
    fn new(policy: &'static str, per_minute: NonZeroU32, clock: C) -> Self {
        let state = DashMapStateStore::default();
        Self {
            policy,
            per_minute,
            limiter: RateLimiter::new(Quota::per_minute(per_minute), state, clock),
        }
    }

    fn count(&self, key: &K) -> Result<(), RateLimited> {
        self.limiter.check_key(key).map_err(|refused| RateLimited {
            policy: self.policy,
            per_minute: self.per_minute,
            retry_after: refused.wait_time_from(self.limiter.clock().now()),
        })
    }

    fn forget_idle(&self) {
        self.limiter.retain_recent();
        self.limiter.shrink_to_fit();
    }
}

impl<K: Hash + Eq + Clone, C: Clock> fmt::Debug for RateLimit<K, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimit")
            .field("policy", &self.policy)
            .field("per_minute", &self.per_minute)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;
    use rstest::rstest;

    use super::*;

    fn limit(
        per_minute: u32,
    ) -> (
        RateLimit<&'static str, FakeRelativeClock>,
        FakeRelativeClock,
    ) {
        let clock = FakeRelativeClock::default();
        let per_minute = NonZeroU32::new(per_minute).unwrap();
        let limit = RateLimit::new("user", per_minute, clock.clone());
        (limit, clock)
    }

    #[test]
    fn an_allowance_can_be_used_at_once_and_comes_back_evenly() {
        let (limit, clock) = limit(4);
        for _ in 0..4 {
            assert_eq!(limit.count(&"ada"), Ok(()));
        }
        clock.advance(Duration::from_secs(5));
        let refused = RateLimited {
            policy: "user",
            per_minute: NonZeroU32::new(4).unwrap(),
            retry_after: Duration::from_secs(10),
        };
        // What is refused costs nothing, however often it is tried.
        for _ in 0..100 {
            assert_eq!(limit.count(&"ada"), Err(refused));
        }
        assert_eq!(limit.count(&"grace"), Ok(()));
        clock.advance(Duration::from_secs(10));
        assert_eq!(limit.count(&"ada"), Ok(()));
        assert!(limit.count(&"ada").is_err());
        clock.advance(Duration::from_mins(1));
        for _ in 0..4 {
            assert_eq!(limit.count(&"ada"), Ok(()));
        }
        assert!(limit.count(&"ada").is_err());
    }

    #[test]
    fn who_could_as_well_have_made_no_request_is_forgotten() {
        let (limit, clock) = limit(60);
        limit.count(&"once").unwrap();
        while limit.count(&"often").is_ok() {}
        limit.forget_idle();
        assert_eq!(limit.limiter.len(), 2);
        clock.advance(Duration::from_secs(3));
        limit.forget_idle();
        assert_eq!(limit.limiter.len(), 1);
        // Being forgotten is no way to more.
        assert_eq!((0..10).filter(|_| limit.count(&"often").is_ok()).count(), 3);
        clock.advance(Duration::from_mins(2));
        limit.forget_idle();
        assert_eq!(limit.limiter.len(), 0);
    }

    #[rstest]
    #[case::one("203.0.113.7", "203.0.113.7", true)]
    #[case::neighbours("203.0.113.7", "203.0.113.8", false)]
    #[case::two_spellings("203.0.113.7", "::ffff:203.0.113.7", true)]
    #[case::one_network("2001:db8:0:1::1", "2001:db8:0:1:ffff:ffff:ffff:ffff", true)]
    #[case::two_networks("2001:db8:0:1::1", "2001:db8:0:2::1", false)]
    fn of_ipv6_a_network_is_one_address(
        #[case] first: &str,
        #[case] second: &str,
        #[case] is_one: bool,
    ) {
        let limits = RateLimits::new(RateLimitSettings {
            requests_per_minute_per_address: NonZeroU32::new(1),
            requests_per_minute_per_user: None,
        });
        let count = |address: &str| limits.count_address(Some(address.parse().unwrap()));
        assert_eq!(count(first), Ok(()));
        assert_eq!(count(second).is_err(), is_one);
    }

    #[test]
    fn a_site_has_the_allowance_of_sixteen_of_its_networks() {
        let limits = RateLimits::new(RateLimitSettings {
            requests_per_minute_per_address: NonZeroU32::new(1),
            requests_per_minute_per_user: None,
        });
        let count = |network: u16| {
            let address = format!("2001:db8:1:{network:x}::1").parse().unwrap();
            limits.count_address(Some(address))
        };
        for network in 0..16 {
            assert_eq!(count(network), Ok(()));
        }
        assert_eq!(count(16).unwrap_err().policy, "site");
        assert_eq!(limits.count_address("2001:db8:2::1".parse().ok()), Ok(()));
    }

    #[test]
    fn without_a_limit_there_is_none() {
        let limits = RateLimits::new(RateLimitSettings {
            requests_per_minute_per_address: None,
            requests_per_minute_per_user: None,
        });
        let user = "0192f0c1-2345-7abc-8def-0123456789ab".parse().unwrap();
        for _ in 0..1_000 {
            assert_eq!(limits.count_address(None), Ok(()));
            assert_eq!(limits.count_user(user), Ok(()));
        }
    }
}
