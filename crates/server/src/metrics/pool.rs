//! How the pool of connections to the database is, asked when someone looks.

use std::fmt;

use prometheus_client::{
    collector::Collector,
    encoding::DescriptorEncoder,
    metrics::{counter::ConstCounter, gauge::ConstGauge},
};
use todo_infra::{Database, PoolStatistics};

use super::show;

/// Shows the pool of a database.
#[derive(Debug)]
pub(super) struct PoolCollector {
    database: Database,
}

impl PoolCollector {
    pub(super) fn new(database: Database) -> Self {
        Self { database }
    }
}

impl Collector for PoolCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let PoolStatistics {
            max_connections,
            connections,
            idle,
            opened,
            closed,
            not_opened,
            handed_out,
            waited,
            timeouts,
            lost,
            reads_repeated,
            outcomes_unknown,
        } = self.database.pool_statistics();
        for (name, help, value) in [
            (
                "pool_connections_max",
                "The largest number of connections to the database",
                max_connections,
            ),
            (
                "pool_connections_in_use",
                "Connections to the database that are in use",
                connections.saturating_sub(idle),
            ),
            (
                "pool_connections_idle",
                "Connections to the database that nobody uses",
                idle,
            ),
        ] {
            show(&mut encoder, name, help, &ConstGauge::new(i64::from(value)))?;
        }
        for (name, help, value) in [
            (
                "pool_connections_opened",
                "Connections that were opened",
                opened,
            ),
            (
                "pool_connections_closed",
                "Connections that were closed",
                closed,
            ),
            (
                "pool_connections_not_opened",
                "Connections that could not be opened",
                not_opened,
            ),
            (
                "pool_connections_lost",
                "Connections that turned out to be lost",
                lost,
            ),
            (
                "pool_connections_handed_out",
                "How often a connection was handed out",
                handed_out,
            ),
            (
                "pool_timeouts",
                "How often a connection was waited for in vain",
                timeouts,
            ),
            (
                "database_reads_repeated",
                "Reads that were repeated on another connection",
                reads_repeated,
            ),
            (
                "database_outcomes_unknown",
                "Changes under which the connection was lost",
                outcomes_unknown,
            ),
        ] {
            show(&mut encoder, name, help, &ConstCounter::new(value))?;
        }
        show(
            &mut encoder,
            "pool_wait_seconds",
            "Time for which connections were waited for",
            &ConstCounter::new(waited.as_secs_f64()),
        )
    }
}
