//! What a request comes from.

use std::{
    net::{IpAddr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use actix_web::{
    HttpRequest,
    http::header::{self, HeaderName},
};
use ipnet::IpNet;
use todo_domain::{Client, UserAgent};
use tracing::warn;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The proxies that are believed when they say whom they forward for.
#[derive(Debug, Clone, Default)]
pub struct TrustedProxies {
    networks: Vec<IpNet>,
    /// Whether it was logged that a peer outside of these forwards.
    is_warned: Arc<AtomicBool>,
}

impl TrustedProxies {
    /// The proxies with addresses in these networks.
    #[must_use]
    pub fn new(networks: Vec<IpNet>) -> Self {
        Self {
            networks,
            is_warned: Arc::default(),
        }
    }

    /// Logs, once, that a peer forwards for others and is not believed. Where it is a proxy, all clients behind it are one.
    fn warn_of(&self, peer: IpAddr) {
        if !self.is_warned.swap(true, Relaxed) {
            warn!(
                %peer,
                "a request has X-Forwarded-For and comes from a peer that is not in TRUSTED_PROXIES: if that is your proxy, \
                 all clients behind it count as one; if it is a client, nothing is wrong (this is logged once)"
            );
        }
    }

    pub(crate) fn contain(&self, address: IpAddr) -> bool {
        self.networks
            .iter()
            .any(|network| network.contains(&address))
    }
}

/// What `request` comes from.
pub(crate) fn client(request: &HttpRequest, proxies: &TrustedProxies) -> Client {
    let user_agent = request.headers().get(header::USER_AGENT);
    Client {
        address: address(request, proxies),
        user_agent: user_agent
            .and_then(|agent| UserAgent::of(&String::from_utf8_lossy(agent.as_bytes()))),
    }
}

/// The address that the nearest proxy saw that is not trusted, or that of the client if all are.
///
/// Each proxy appends what it sees to `X-Forwarded-For`, so what a client wrote there itself stands before that and is
/// never reached.
pub(crate) fn address(request: &HttpRequest, proxies: &TrustedProxies) -> Option<IpAddr> {
    let mut seen = request.peer_addr()?.ip().to_canonical();
    let forwarded: Vec<_> = request
        .headers()
        .get_all(X_FORWARDED_FOR)
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b','))
        .collect();
    if !forwarded.is_empty() && !proxies.contain(seen) {
        proxies.warn_of(seen);
    }
    for text in forwarded.iter().rev() {
        if !proxies.contain(seen) {
            break;
        }
        let Some(address) = std::str::from_utf8(text).ok().and_then(forwarded_address) else {
            break;
        };
        seen = address.to_canonical();
    }
    Some(seen)
}

/// An address as proxies write it: by itself, with a port, of IPv6 also in brackets.
fn forwarded_address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let in_brackets = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    let with_port = || Some(text.parse::<SocketAddr>().ok()?.ip());
    text.parse().ok().or_else(with_port).or_else(in_brackets)
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::nobody_is_trusted("203.0.113.7", &["198.51.100.1"], "203.0.113.7")]
    #[case::forwarded("10.0.0.1", &["198.51.100.1"], "198.51.100.1")]
    #[case::what_the_client_made_up("10.0.0.1", &["1.2.3.4, 198.51.100.1"], "198.51.100.1")]
    #[case::through_two("10.0.0.1", &["1.2.3.4, 198.51.100.1, 10.0.0.2"], "198.51.100.1")]
    #[case::in_two_lines("10.0.0.1", &["1.2.3.4", "198.51.100.1, 10.0.0.2"], "198.51.100.1")]
    #[case::from_inside("10.0.0.1", &["10.0.0.3, 10.0.0.2"], "10.0.0.3")]
    #[case::unreadable("10.0.0.1", &["198.51.100.1, unknown"], "10.0.0.1")]
    #[case::nothing_said("10.0.0.1", &[], "10.0.0.1")]
    #[case::of_the_sixth_version("10.0.0.1", &["2001:db8::1"], "2001:db8::1")]
    #[case::with_a_port("10.0.0.1", &["198.51.100.1:443"], "198.51.100.1")]
    #[case::in_brackets("10.0.0.1", &["[2001:db8::1]"], "2001:db8::1")]
    #[case::in_brackets_with_a_port("10.0.0.1", &["1.2.3.4, [2001:db8::1]:443, 10.0.0.2:80"], "2001:db8::1")]
    #[case::with_no_port("10.0.0.1", &["198.51.100.1:99999"], "10.0.0.1")]
    #[case::of_the_fourth_in_brackets("10.0.0.1", &["198.51.100.1, [1.2.3.4"], "10.0.0.1")]
    #[case::of_the_fourth_in_the_sixth("::ffff:10.0.0.1", &["::ffff:198.51.100.1"], "198.51.100.1")]
    fn only_trusted_proxies_are_believed(
        #[case] peer: &str,
        #[case] forwarded: &[&'static str],
        #[case] expected: &str,
    ) {
        let proxies = TrustedProxies::new(vec!["10.0.0.0/8".parse().unwrap()]);
        let peer: IpAddr = peer.parse().unwrap();
        let mut request = TestRequest::default().peer_addr((peer, 1).into());
        for line in forwarded {
            request = request.append_header((X_FORWARDED_FOR, *line));
        }
        let found = client(&request.to_http_request(), &proxies);
        assert_eq!(found.address, Some(expected.parse().unwrap()));
    }

    /// A fuzz target: whatever bytes a client writes there, what the trusted proxy saw is believed.
    #[test]
    fn no_forwarded_for_panics_or_is_believed_of_a_client() {
        let proxies = TrustedProxies::new(vec!["10.0.0.1/32".parse().unwrap()]);
        bolero::check!().for_each(|bytes: &[u8]| {
            let Ok(value) = header::HeaderValue::from_bytes(&[bytes, b", 203.0.113.7"].concat())
            else {
                return;
            };
            let request = TestRequest::default()
                .peer_addr("10.0.0.1:1".parse().unwrap())
                .insert_header((X_FORWARDED_FOR, value))
                .to_http_request();
            let expected = "203.0.113.7".parse().unwrap();
            assert_eq!(address(&request, &proxies), Some(expected));
        });
    }
}
