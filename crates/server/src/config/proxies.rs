//! Proxies whose `X-Forwarded-For` is trusted.

use std::net::IpAddr;

use ipnet::IpNet;
use todo_api::TrustedProxies;

use super::Variables;

pub(super) fn trusted(variables: &mut Variables<'_>) -> TrustedProxies {
    variables
        .parsed("TRUSTED_PROXIES", parse)
        .unwrap_or_default()
}

fn parse(text: &str) -> Result<TrustedProxies, String> {
    let networks: Result<Vec<IpNet>, String> = text
        .split(',')
        .map(str::trim)
        .filter(|network| !network.is_empty())
        .map(network)
        .collect();
    networks.map(TrustedProxies::new)
}

/// A network, or a single address.
fn network(text: &str) -> Result<IpNet, String> {
    let address = text.parse::<IpAddr>().map(IpNet::from);
    address.or_else(|_| text.parse()).map_err(|error| {
        format!("must be addresses or networks such as 10.0.0.0/8, separated by commas; {text:?} is invalid: {error}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_and_single_addresses_can_be_trusted() {
        for text in ["10.0.0.0/8", "127.0.0.1, ::1", "fd00::/8,", ""] {
            assert!(parse(text).is_ok(), "{text}");
        }
        for text in ["10.0.0.0/33", "proxy.example.com", "10.0.0.1:80"] {
            assert!(parse(text).unwrap_err().contains(text), "{text}");
        }
    }
}
