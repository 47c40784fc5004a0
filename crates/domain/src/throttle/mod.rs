//! How often something may be guessed at, such as the password of an account (OWASP ASVS 5.0, 6.3.1; NIST SP 800-63B-4,
//! 3.2.2).

#[cfg(test)]
mod tests;

use std::{fmt, net::IpAddr, time::Duration};

use zeroize::Zeroizing;

use crate::{Email, NETWORKS_PER_SITE, Secret, SessionId, Timestamp, network_of, site_of};

/// What is guessed at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ThrottledAction {
    /// The password of an account.
    Login,
    /// The password of whoever has a session, before something that cannot be undone.
    Confirmation,
    /// An address that nobody has registered: each attempt costs a hash.
    Registration,
    /// An address that somebody else reads: each attempt costs a mail.
    Mail,
    /// Notices to an account: its mailbox must not be flooded with them.
    Notice,
}

/// Notices that are limited for each account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NoticeKind {
    /// The password was changed by someone who knew it.
    PasswordChanged,
    /// A personal access token was created.
    TokenCreated,
    /// A session began on an unknown device in an unknown network.
    NewLogin,
}

impl NoticeKind {
    /// Its name in counters; it stays the same.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PasswordChanged => "password_changed",
            Self::TokenCreated => "token_created",
            Self::NewLogin => "new_login",
        }
    }
}

impl ThrottledAction {
    /// What it is called in counters and in headers; it stays the same.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Confirmation => "confirmation",
            Self::Registration => "registration",
            Self::Mail => "mail",
            Self::Notice => "notice",
        }
    }
}

/// What guesses are counted for. A storage keeps the SHA-256 of its text and not the text.
///
/// It never prints itself: the secret of a device may be in it.
#[derive(Clone, PartialEq, Eq)]
pub struct ThrottleKey {
    purpose: ThrottledAction,
    text: Zeroizing<String>,
}

impl ThrottleKey {
    /// An account, whether or not there is one with this address.
    #[must_use]
    pub fn account(purpose: ThrottledAction, email: &Email) -> Self {
        Self::new(purpose, "account", &[email.as_str()])
    }

    /// Whoever is at a network address. Of IPv6, a network of 64 bits is one: a single machine has all of it.
    #[must_use]
    pub fn address(purpose: ThrottledAction, address: IpAddr) -> Self {
        Self::new(purpose, "address", &[&network_of(address).to_string()])
    }

    /// Whoever is at the [site](site_of) of a network address, where it has one.
    #[must_use]
    pub fn site(purpose: ThrottledAction, address: IpAddr) -> Option<Self> {
        site_of(address).map(|site| Self::new(purpose, "site", &[&site.to_string()]))
    }

    /// Whoever is at a network address and guesses at one account.
    #[must_use]
    pub fn place(purpose: ThrottledAction, email: &Email, address: IpAddr) -> Self {
        let network = network_of(address).to_string();
        Self::new(purpose, "place", &[email.as_str(), &network])
    }

    /// A device that guesses at one account.
    #[must_use]
    pub fn device(purpose: ThrottledAction, email: &Email, device: &Secret) -> Self {
        Self::new(purpose, "device", &[email.as_str(), device.expose()])
    }

    /// A device to which we gave this secret, whichever account it logs in to.
    #[must_use]
    pub fn issued_device(device: &Secret) -> Self {
        Self::new(ThrottledAction::Login, "issued", &[device.expose()])
    }

    /// Whoever has a session.
    #[must_use]
    pub fn session(purpose: ThrottledAction, session_id: SessionId) -> Self {
        Self::new(purpose, "session", &[&session_id.to_string()])
    }

    /// Notices of one kind to an account; those about one network, where there is one.
    #[must_use]
    pub fn notice(kind: NoticeKind, email: &Email, about: Option<IpAddr>) -> Self {
        let network = about.map(|address| network_of(address).to_string());
        let parts: Vec<_> = [email.as_str()]
            .into_iter()
            .chain(network.as_deref())
            .collect();
        Self::new(ThrottledAction::Notice, kind.as_str(), &parts)
    }

    /// What is guessed at.
    #[must_use]
    pub fn purpose(&self) -> ThrottledAction {
        self.purpose
    }

    /// The text that a storage keeps the digest of.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// No part has a line break in it, so that no two subjects have one text.
    fn new(purpose: ThrottledAction, kind: &str, parts: &[&str]) -> Self {
        let length = parts.iter().map(|part| part.len() + 1).sum::<usize>();
        let mut text = Zeroizing::new(String::with_capacity(
            purpose.as_str().len() + 1 + kind.len() + length,
        ));
        text.push_str(purpose.as_str());
        text.push(':');
        text.push_str(kind);
        for part in parts {
            text.push('\n');
            text.push_str(part);
        }
        Self { purpose, text }
    }
}

impl fmt::Debug for ThrottleKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ThrottleKey(…)")
    }
}

/// After how many failures there is a delay: a second after the next one, which doubles with each, up to 15 minutes; or
/// one that is fixed.
///
/// Failures are forgotten one by one (a leaky bucket), so that many who share an address and fail now and then are not
/// delayed for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttemptLimit {
    /// How many failures have no delay.
    pub without_delay: u32,
    /// In which time one failure is forgotten.
    pub forgets_one_in: Duration,
    /// The delay, where it does not grow.
    pub fixed_delay: Option<Duration>,
}

impl AttemptLimit {
    /// The longest delay that grows.
    pub const MAX_DELAY: Duration = Duration::from_mins(15);

    /// The limit of a [site](site_of), of whose networks each has this one.
    #[must_use]
    pub fn of_site(self) -> Self {
        Self {
            without_delay: self.without_delay.saturating_mul(NETWORKS_PER_SITE),
            forgets_one_in: self.forgets_one_in / NETWORKS_PER_SITE,
            ..self
        }
    }

    /// For how long nobody may guess after so many failures.
    ///
    /// ```
    /// use std::time::Duration;
    /// use todo_domain::AttemptLimit;
    ///
    /// let limit = AttemptLimit {
    ///     without_delay: 5,
    ///     forgets_one_in: Duration::from_mins(15),
    ///     fixed_delay: None,
    /// };
    /// assert_eq!(limit.delay_after(5), Duration::ZERO);
    /// assert_eq!(limit.delay_after(6), Duration::from_secs(1));
    /// assert_eq!(limit.delay_after(8), Duration::from_secs(4));
    /// assert_eq!(limit.delay_after(1_000), Duration::from_mins(15));
    /// ```
    #[must_use]
    pub fn delay_after(self, failures: u32) -> Duration {
        match (failures.checked_sub(self.without_delay), self.fixed_delay) {
            (None | Some(0), _) => Duration::ZERO,
            (Some(_), Some(delay)) => delay,
            (Some(beyond), None) => {
                let seconds = 1_u64.checked_shl(beyond - 1).unwrap_or(u64::MAX);
                Duration::from_secs(seconds).min(Self::MAX_DELAY)
            }
        }
    }
}

/// How many failures have no delay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ThrottlePolicy {
    /// Of logins to one account, from wherever it is not known.
    pub account: AttemptLimit,
    /// Of logins to one account from one device or address that has logged in to it.
    pub known: AttemptLimit,
    /// Of logins from one address, to whatever accounts it has not logged in to.
    pub address: AttemptLimit,
    /// Of the passwords that whoever has one session says to be the user's.
    pub confirmations: AttemptLimit,
    /// Of registrations from one address, those that succeed included.
    pub registrations: AttemptLimit,
    /// Of mails that are asked for from one address.
    pub mails: AttemptLimit,
}

impl Default for ThrottlePolicy {
    /// 5, 10, 50, 5, 100 and 20. Of an account, about 100 guesses a day are left; of an address, where many may be, 720.
    fn default() -> Self {
        let limit = |without_delay, minutes| AttemptLimit {
            without_delay,
            forgets_one_in: Duration::from_mins(minutes),
            fixed_delay: None,
        };
        Self {
            account: limit(5, 15),
            known: limit(10, 15),
            address: limit(50, 2),
            confirmations: limit(5, 15),
            registrations: limit(100, 1),
            mails: limit(20, 5),
        }
    }
}

/// What is known of the guesses at a subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Attempts {
    /// How many failed since the last that succeeded and were not forgotten when the last one began, in
    /// [thousandths](Self::ONE_FAILURE) of one. One that is under way has failed until it succeeds.
    pub level: u32,
    /// When the last of these began.
    pub failed_at: Option<Timestamp>,
    /// When the last one succeeded.
    pub succeeded_at: Option<Timestamp>,
}

impl Attempts {
    /// By how much a failure raises the level.
    pub const ONE_FAILURE: u32 = 1_000;
    /// After which time without a failure all are forgotten.
    pub const FORGOTTEN_AFTER: Duration = Duration::from_hours(24);
    /// For how long after a success a device or a place is known.
    pub const KNOWN_FOR: Duration = Duration::from_hours(90 * 24);

    /// Whether one has succeeded lately.
    #[must_use]
    pub fn is_known(&self, now: Timestamp) -> bool {
        self.succeeded_at
            .is_some_and(|at| now < at.saturating_add(Self::KNOWN_FOR))
    }

    /// For how long nobody may guess from `now` on.
    #[must_use]
    pub fn delay(&self, limit: AttemptLimit, now: Timestamp) -> Duration {
        let Some(failed_at) = self.failed_at else {
            return Duration::ZERO;
        };
        let delay = limit.delay_after(self.level.div_ceil(Self::ONE_FAILURE));
        // Where clocks differ, the last failure may lie ahead; nobody waits longer for that.
        now.until(failed_at.saturating_add(delay)).min(delay)
    }

    /// The same after a guess that begins at `now`, and has not succeeded yet.
    #[must_use]
    pub fn after_guess(self, limit: AttemptLimit, now: Timestamp) -> Self {
        Self {
            level: self.level_at(limit, now).saturating_add(Self::ONE_FAILURE),
            failed_at: Some(now),
            ..self
        }
    }

    /// What is not forgotten of the failures.
    fn level_at(&self, limit: AttemptLimit, now: Timestamp) -> u32 {
        let Some(since) = self.failed_at.map(|at| at.until(now)) else {
            return 0;
        };
        if since >= Self::FORGOTTEN_AFTER {
            return 0;
        }
        let forgotten = since
            .as_millis()
            .saturating_mul(Self::ONE_FAILURE.into())
            .checked_div(limit.forgets_one_in.as_millis())
            .unwrap_or(u128::MAX);
        self.level
            .saturating_sub(u32::try_from(forgotten).unwrap_or(u32::MAX))
    }
}

/// A subject that is guessed at, and how often it may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptCounter {
    /// The subject.
    pub subject: ThrottleKey,
    /// How often.
    pub limit: AttemptLimit,
}

/// A guess came too early.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many attempts")]
pub struct TooManyAttempts {
    /// What was guessed at.
    pub purpose: ThrottledAction,
    /// In which time the next may be made.
    pub retry_after: Duration,
    /// What it was counted by.
    pub limit: AttemptLimit,
}
