//! Connections, and the bytes that are buffered for them.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::{Registry, Unit},
};

/// Connections, and what became of them. Cloning it is cheap, and gives the same.
#[derive(Debug, Clone)]
pub(crate) struct ConnectionMetrics {
    open: Gauge,
    refused: Counter,
    closed: Family<DeadlineLabel, Counter>,
}

/// A deadline that closes a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deadline {
    /// For the head of a request.
    Head,
    /// For the rest of a request that was answered before its end.
    Body,
    /// For reading a response.
    Write,
}

impl Deadline {
    const ALL: [Self; 3] = [Self::Head, Self::Body, Self::Write];

    fn label(self) -> DeadlineLabel {
        DeadlineLabel {
            deadline: match self {
                Self::Head => "head",
                Self::Body => "body",
                Self::Write => "write",
            },
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DeadlineLabel {
    deadline: &'static str,
}

impl Default for ConnectionMetrics {
    fn default() -> Self {
        let closed = Family::default();
        // A rate needs a counter that is there before it counts.
        for deadline in Deadline::ALL {
            drop(closed.get_or_create(&deadline.label()));
        }
        Self {
            open: Gauge::default(),
            refused: Counter::default(),
            closed,
        }
    }
}

impl ConnectionMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "http_connections_open",
            "Connections that are open",
            self.open.clone(),
        );
        registry.register(
            "http_connections_refused",
            "Connections that were closed at once, since their address had too many",
            self.refused.clone(),
        );
        registry.register(
            "http_connections_closed",
            "Connections whose clients took too long, by deadline",
            self.closed.clone(),
        );
    }

    /// Counts a connection that is open.
    pub(crate) fn open(&self) {
        self.open.inc();
    }

    /// Counts it no longer.
    pub(crate) fn close(&self) {
        self.open.dec();
    }

    /// Counts a connection that a deadline closes.
    pub(crate) fn close_by(&self, deadline: Deadline) {
        self.closed.get_or_create(&deadline.label()).inc();
    }

    /// Counts a connection that was refused.
    pub(crate) fn refuse_connection(&self) {
        self.refused.inc();
    }
}

/// The bytes that are buffered. Cloning it is cheap, and gives the same.
#[derive(Debug, Clone)]
pub(crate) struct BufferMetrics {
    bytes: Gauge,
    limit: Gauge,
    refused: Family<RefusedLabel, Counter>,
}

/// What is refused while the budget is exhausted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    Request,
    Response,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RefusedLabel {
    body: &'static str,
}

impl Refused {
    fn label(self) -> RefusedLabel {
        RefusedLabel {
            body: match self {
                Self::Request => "request",
                Self::Response => "response",
            },
        }
    }
}

impl Default for BufferMetrics {
    fn default() -> Self {
        let refused = Family::default();
        for body in [Refused::Request, Refused::Response] {
            drop(refused.get_or_create(&body.label()));
        }
        Self {
            bytes: Gauge::default(),
            limit: Gauge::default(),
            refused,
        }
    }
}

impl BufferMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register_with_unit(
            "http_buffered",
            "Size of the bodies of requests and responses that are in memory, without small ones",
            Unit::Bytes,
            self.bytes.clone(),
        );
        registry.register_with_unit(
            "http_buffered_limit",
            "Largest size that these may have",
            Unit::Bytes,
            self.limit.clone(),
        );
        registry.register(
            "http_buffered_refused",
            "Requests that were answered with 503, since there was no room for a body, by body",
            self.refused.clone(),
        );
    }

    pub(crate) fn set_limit(&self, limit: usize) {
        self.limit.set(to_i64(limit));
    }

    /// Adds bytes, if there are then at most `limit`, or were none.
    pub(crate) fn try_add(&self, bytes: usize, limit: usize) -> bool {
        let bytes = to_i64(bytes);
        let before = self.bytes.inc_by(bytes);
        let is_granted = before <= 0 || before.saturating_add(bytes) <= to_i64(limit);
        if !is_granted {
            self.bytes.dec_by(bytes);
        }
        is_granted
    }

    /// Takes off bytes that were added.
    pub(crate) fn remove(&self, bytes: usize) {
        self.bytes.dec_by(to_i64(bytes));
    }

    /// Counts what was refused.
    pub(crate) fn refuse(&self, body: Refused) {
        self.refused.get_or_create(&body.label()).inc();
    }
}

fn to_i64(bytes: usize) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}
