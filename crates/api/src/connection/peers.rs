//! Peers: the addresses that have connections, and how many.

use std::{
    collections::HashMap,
    net::IpAddr,
    num::NonZeroUsize,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use todo_domain::{NETWORKS_PER_SITE, network_of, site_of};

use crate::client::TrustedProxies;

/// The peer has as many connections as it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many connections from one address")]
pub(crate) struct TooManyConnections;

/// The peers that have connections. Trusted proxies are not among them: each stands for many clients.
#[derive(Debug)]
pub(crate) struct Peers {
    limit: Option<NonZeroUsize>,
    exempt: TrustedProxies,
    connections: Mutex<Connections>,
}

#[derive(Debug, Default)]
struct Connections {
    networks: HashMap<IpAddr, Counted>,
    /// The number of connections of each [site](site_of).
    sites: HashMap<IpAddr, usize>,
}

#[derive(Debug, Default)]
struct Counted {
    connections: usize,
    buffered: Arc<AtomicUsize>,
}

impl Peers {
    pub(crate) fn new(limit: Option<NonZeroUsize>, exempt: TrustedProxies) -> Self {
        Self {
            limit,
            exempt,
            connections: Mutex::default(),
        }
    }

    /// Counts a connection until the peer is dropped; `None` where connections are not counted.
    ///
    /// # Errors
    /// [`TooManyConnections`].
    pub(crate) fn admit(
        self: &Arc<Self>,
        address: IpAddr,
    ) -> Result<Option<Arc<Peer>>, TooManyConnections> {
        let Some(limit) = self.limit else {
            return Ok(None);
        };
        if self.exempt.contain(address.to_canonical()) {
            return Ok(None);
        }
        let network = network_of(address);
        let mut connections = self.lock();
        let site = site_of(address);
        let of_site = site.and_then(|site| connections.sites.get(&site));
        let networks = usize::try_from(NETWORKS_PER_SITE).unwrap_or(usize::MAX);
        if of_site.is_some_and(|count| *count >= limit.get().saturating_mul(networks)) {
            return Err(TooManyConnections);
        }
        let counted = connections.networks.entry(network).or_default();
        if counted.connections >= limit.get() {
            return Err(TooManyConnections);
        }
        counted.connections += 1;
        let buffered = Arc::clone(&counted.buffered);
        if let Some(site) = site {
            *connections.sites.entry(site).or_default() += 1;
        }
        Ok(Some(Arc::new(Peer {
            peers: Arc::clone(self),
            network,
            site,
            buffered,
        })))
    }

    /// Nothing is left half done by a panic while it is locked.
    fn lock(&self) -> MutexGuard<'_, Connections> {
        self.connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// The peer of one connection, which counts as long as it lives.
#[derive(Debug)]
pub(crate) struct Peer {
    peers: Arc<Peers>,
    network: IpAddr,
    site: Option<IpAddr>,
    /// The bytes that are buffered for all connections of the network.
    buffered: Arc<AtomicUsize>,
}

impl Peer {
    /// Adds buffered bytes, if the peer then has at most `limit`, or had none.
    pub(crate) fn try_buffer(&self, bytes: usize, limit: usize) -> bool {
        let add = |buffered: usize| {
            let sum = buffered.saturating_add(bytes);
            (buffered == 0 || sum <= limit).then_some(sum)
        };
        self.buffered
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, add)
            .is_ok()
    }

    /// Takes off bytes that were [added](Self::try_buffer).
    pub(crate) fn release(&self, bytes: usize) {
        self.buffered.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let mut connections = self.peers.lock();
        if let Some(counted) = connections.networks.get_mut(&self.network) {
            counted.connections -= 1;
            if counted.connections == 0 {
                connections.networks.remove(&self.network);
            }
        }
        if let Some(site) = self.site
            && let Some(count) = connections.sites.get_mut(&site)
        {
            *count -= 1;
            if *count == 0 {
                connections.sites.remove(&site);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peers(limit: usize) -> Arc<Peers> {
        let proxies = TrustedProxies::new(vec!["10.0.0.0/8".parse().unwrap()]);
        Arc::new(Peers::new(NonZeroUsize::new(limit), proxies))
    }

    fn admit(peers: &Arc<Peers>, address: &str) -> Result<Option<Arc<Peer>>, TooManyConnections> {
        peers.admit(address.parse().unwrap())
    }

    #[test]
    fn a_peer_has_no_more_connections_than_the_limit() {
        let peers = peers(2);
        let first = admit(&peers, "192.0.2.1").unwrap();
        let _second = admit(&peers, "::ffff:192.0.2.1").unwrap();
        assert_eq!(admit(&peers, "192.0.2.1").unwrap_err(), TooManyConnections);
        let _other = admit(&peers, "192.0.2.2").unwrap();
        drop(first);
        assert!(admit(&peers, "192.0.2.1").unwrap().is_some());
    }

    #[test]
    fn a_network_of_64_bits_is_one_peer() {
        let peers = peers(1);
        let _first = admit(&peers, "2001:db8::1").unwrap();
        assert!(admit(&peers, "2001:db8::ffff:1").is_err());
        assert!(admit(&peers, "2001:db8:0:1::1").is_ok());
    }

    #[test]
    fn a_site_has_as_many_connections_as_sixteen_networks() {
        let peers = peers(1);
        let admit = |network: u16| admit(&peers, &format!("2001:db8:1:{network:x}::1"));
        let admitted: Vec<_> = (0..16).map(|network| admit(network).unwrap()).collect();
        assert!(admit(16).is_err());
        drop(admitted);
        assert!(admit(16).is_ok());
    }

    #[test]
    fn trusted_proxies_and_no_limit_are_not_counted() {
        let limited = peers(1);
        for _ in 0..3 {
            assert!(admit(&limited, "10.0.0.1").unwrap().is_none());
            assert!(admit(&limited, "::ffff:10.0.0.1").unwrap().is_none());
            assert!(admit(&peers(0), "192.0.2.1").unwrap().is_none());
        }
    }

    #[test]
    fn peers_without_connections_are_forgotten() {
        let peers = peers(1);
        drop(admit(&peers, "192.0.2.1").unwrap());
        drop(admit(&peers, "2001:db8::1").unwrap());
        let connections = peers.lock();
        assert!(connections.networks.is_empty() && connections.sites.is_empty());
    }

    #[test]
    fn connections_of_a_network_share_what_is_buffered() {
        let peers = peers(2);
        let first = admit(&peers, "192.0.2.1").unwrap().unwrap();
        let second = admit(&peers, "192.0.2.1").unwrap().unwrap();
        assert!(first.try_buffer(60, 100));
        assert!(!second.try_buffer(60, 100));
        assert!(second.try_buffer(40, 100));
        first.release(60);
        second.release(40);
        // One that is larger than the limit is granted alone.
        assert!(first.try_buffer(1_000, 100));
        assert!(!second.try_buffer(1, 100));
    }
}
