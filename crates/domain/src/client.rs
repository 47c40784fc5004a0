//! What a request comes from, as far as that can be told.

use std::net::{IpAddr, Ipv6Addr};

/// The program that makes a request, and where it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Client {
    /// Its address, as the server or the nearest proxy that is trusted saw it.
    pub address: Option<IpAddr>,
    /// What it calls itself.
    pub user_agent: Option<UserAgent>,
}

/// What counts as one address where clients are told from each other by it: of IPv6 a network of 64 bits, since a single
/// machine has all of it; the address itself of IPv4, which may be mapped into IPv6.
///
/// ```
/// use std::net::IpAddr;
/// use todo_domain::network_of;
///
/// let network = |address: &str| network_of(address.parse().unwrap());
/// assert_eq!(network("2001:db8::1"), network("2001:db8::ffff:1"));
/// assert_ne!(network("2001:db8::1"), network("2001:db8:0:1::1"));
/// assert_eq!(network("::ffff:192.0.2.1"), IpAddr::from([192, 0, 2, 1]));
/// ```
#[must_use]
pub fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        address @ IpAddr::V4(_) => address,
    }
}

/// The number of [networks](network_of) in a [site](site_of) that together have the allowance of that many; more share it.
pub const NETWORKS_PER_SITE: u32 = 16;

/// The site of an address: of IPv6 a network of 48 bits, which one customer of a provider may have with its 65,536 networks
/// of 64 bits (RFC 6177); `None` of IPv4.
///
/// ```
/// use todo_domain::site_of;
///
/// let site = |address: &str| site_of(address.parse().unwrap());
/// assert_eq!(site("2001:db8:1:2::1"), site("2001:db8:1:ffff::1"));
/// assert_ne!(site("2001:db8:1::1"), site("2001:db8:2::1"));
/// assert_eq!(site("::ffff:192.0.2.1"), None);
/// ```
#[must_use]
pub fn site_of(address: IpAddr) -> Option<IpAddr> {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, ..] = address.segments();
            Some(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0).into())
        }
        IpAddr::V4(_) => None,
    }
}

/// What a program calls itself (RFC 9110, 10.1.5): at most 255 characters, none of them a control character.
///
/// It is shown to users and believed by nobody.
///
/// ```
/// use todo_domain::UserAgent;
///
/// assert_eq!(UserAgent::of(" curl/8.5\n").unwrap().as_str(), "curl/8.5");
/// assert_eq!(UserAgent::of(" \t "), None);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct UserAgent(String);

impl UserAgent {
    /// The largest number of characters.
    pub const MAX_LENGTH: usize = 255;

    /// As much of a text as is kept; `None` when that is nothing.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        let kept: String = text
            .trim()
            .chars()
            .filter(|character| !character.is_control())
            .take(Self::MAX_LENGTH)
            .collect();
        (!kept.is_empty()).then_some(Self(kept))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_too_long_is_cut_off() {
        let agent = UserAgent::of(&"ä".repeat(300)).unwrap();
        assert_eq!(agent.as_str(), "ä".repeat(255));
        assert_eq!(UserAgent::of("a\0b\u{7f}c").unwrap().as_str(), "abc");
    }
}
