//! The budget of bytes that are buffered for clients: bodies of requests that are read and held, and of responses that are
//! not written yet.

use std::sync::Arc;

use crate::{connection::Peer, metrics::BufferMetrics};

/// The largest body that takes nothing from the budget: so small requests are served while it is exhausted.
pub(crate) const SMALL: usize = 16 * 1_024;

/// The budget. Cloning it is cheap, and gives the same.
#[derive(Debug, Clone)]
pub(crate) struct ByteBudget(Arc<Shares>);

/// What the budget is, and how much of it is taken, which its metrics count.
#[derive(Debug)]
struct Shares {
    limit: usize,
    metrics: BufferMetrics,
}

impl ByteBudget {
    /// A budget of `limit` bytes, of which one peer may have half.
    pub(crate) fn new(limit: usize, metrics: BufferMetrics) -> Self {
        metrics.set_limit(limit);
        Self(Arc::new(Shares { limit, metrics }))
    }

    /// A part of the budget that has nothing yet.
    pub(crate) fn reservation(&self, peer: Option<&Arc<Peer>>) -> Reservation {
        Reservation {
            budget: self.clone(),
            peer: peer.cloned(),
            bytes: 0,
        }
    }

    /// Whether it is granted, as far as the peer is concerned.
    fn try_take(&self, bytes: usize, peer: Option<&Peer>) -> bool {
        let Shares { limit, metrics } = &*self.0;
        if !metrics.try_add(bytes, *limit) {
            return false;
        }
        let is_granted = peer.is_none_or(|peer| peer.try_buffer(bytes, limit / 2));
        if !is_granted {
            metrics.remove(bytes);
        }
        is_granted
    }
}

/// A part of the budget, which is given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Reservation {
    budget: ByteBudget,
    peer: Option<Arc<Peer>>,
    bytes: usize,
}

impl Reservation {
    /// Makes it `bytes` large, if it is not larger; whether there was room.
    pub(crate) fn try_grow(&mut self, bytes: usize) -> bool {
        let more = bytes.saturating_sub(self.bytes);
        let is_granted = more == 0 || self.budget.try_take(more, self.peer.as_deref());
        if is_granted {
            self.bytes += more;
        }
        is_granted
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if self.bytes > 0 {
            self.budget.0.metrics.remove(self.bytes);
            if let Some(peer) = &self.peer {
                peer.release(self.bytes);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use super::*;
    use crate::{client::TrustedProxies, connection::Peers};

    #[test]
    fn the_budget_is_not_exceeded_and_is_given_back() {
        let budget = ByteBudget::new(100, BufferMetrics::default());
        let mut first = budget.reservation(None);
        assert!(first.try_grow(60));
        assert!(first.try_grow(20));
        let mut second = budget.reservation(None);
        assert!(!second.try_grow(41));
        assert!(second.try_grow(40));
        assert!(!first.try_grow(61));
        drop(first);
        assert!(second.try_grow(100));
        drop(second);
        // A single one is served however large it is.
        let mut large = budget.reservation(None);
        assert!(large.try_grow(1_000));
        assert!(!budget.reservation(None).try_grow(1));
    }

    #[test]
    fn one_peer_has_half_of_it() {
        let budget = ByteBudget::new(100, BufferMetrics::default());
        let peers = Arc::new(Peers::new(NonZeroUsize::new(9), TrustedProxies::default()));
        let peer = |address: &str| peers.admit(address.parse().unwrap()).unwrap();
        let [first, second, other] = ["192.0.2.1", "192.0.2.1", "192.0.2.2"].map(peer);
        let mut of_first = budget.reservation(first.as_ref());
        assert!(of_first.try_grow(40));
        assert!(!budget.reservation(second.as_ref()).try_grow(20));
        assert!(budget.reservation(other.as_ref()).try_grow(20));
        drop(of_first);
        assert!(budget.reservation(second.as_ref()).try_grow(20));
    }
}
