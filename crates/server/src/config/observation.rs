//! What can be seen of the server from outside, and where.

use std::net::SocketAddr;

use super::{Variables, socket_address};

/// What can be seen of the server from outside, and where.
#[derive(Debug)]
pub(crate) struct ObservationConfig {
    /// Where metrics are served; nowhere, if it is not given.
    pub(crate) metrics_listen: Option<SocketAddr>,
}

impl ObservationConfig {
    pub(super) fn read(variables: &mut Variables<'_>) -> Self {
        Self {
            metrics_listen: variables.parsed("METRICS_LISTEN", socket_address),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::config::testing::read;

    #[test]
    fn metrics_are_served_where_it_is_said_and_else_nowhere() {
        let listen = |variables| read(variables).unwrap().observation.metrics_listen;
        assert_eq!(listen(&[]), None);
        let address = listen(&[("METRICS_LISTEN", "127.0.0.1:9100")]).unwrap();
        assert_eq!(address.to_string(), "127.0.0.1:9100");
        let error = read(&[("METRICS_LISTEN", "9100")]).unwrap_err();
        assert!(
            error.to_string().contains("METRICS_LISTEN must be"),
            "{error}"
        );
    }
}
