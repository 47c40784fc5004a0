//! Connections: limits on their number, on the time that a client may take, and on the requests that are read ahead.
//!
//! actix bounds only the first head of a connection. Each accepted stream is therefore wrapped in a [`Connection`], which
//! shares a [`ConnectionState`] with the outermost middleware.

mod peers;
mod state;
mod stream;
mod timer;

use std::{io, net::SocketAddr, num::NonZeroUsize, sync::Arc, time::Duration};

use actix_web::rt::net::TcpStream;

pub(crate) use self::{
    peers::{Peer, Peers},
    state::{ConnectionHandle, ResponseGuard},
    stream::Connection,
};
use crate::metrics::ConnectionMetrics;

/// The limits of connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionSettings {
    /// The largest number of connections from one address, of IPv6 from one network of 64 bits; `None` is no limit.
    pub per_address: Option<NonZeroUsize>,
    /// The time within which a request's head must have arrived.
    pub head_deadline: Duration,
    /// The time after which a connection is closed if its client reads nothing of a response.
    pub write_deadline: Duration,
}

/// The time for which a connection is read after a response that did not wait for the end of its request, so that the
/// client receives the response before the connection is closed.
pub(crate) const LINGER: Duration = Duration::from_secs(1);

/// What accepts connections. Cloning it is cheap, and gives the same.
#[derive(Debug, Clone)]
pub(crate) struct Acceptor {
    settings: ConnectionSettings,
    peers: Arc<Peers>,
    metrics: ConnectionMetrics,
}

impl Acceptor {
    pub(crate) fn new(
        settings: ConnectionSettings,
        peers: Peers,
        metrics: ConnectionMetrics,
    ) -> Self {
        Self {
            settings,
            peers: Arc::new(peers),
            metrics,
        }
    }

    /// Accepts a connection, or closes it if its peer has too many.
    ///
    /// # Errors
    /// When its peer has too many.
    pub(crate) fn accept(
        &self,
        stream: TcpStream,
    ) -> io::Result<(Connection<TcpStream>, Option<SocketAddr>)> {
        let address = stream.peer_addr().ok();
        let peer = address.map(|address| self.peers.admit(address.ip()));
        let Ok(peer) = peer.transpose() else {
            self.metrics.refuse_connection();
            return Err(io::ErrorKind::ConnectionRefused.into());
        };
        let connection =
            Connection::new(stream, self.settings, peer.flatten(), self.metrics.clone());
        Ok((connection, address))
    }
}
