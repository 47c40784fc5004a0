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
        let statistics = self.database.pool_statistics();
        show_gauges(&mut encoder, &statistics)?;
        show_counters(&mut encoder, &statistics)
    }
}

/// Shows how the pool is now.
fn show_gauges(encoder: &mut DescriptorEncoder<'_>, statistics: &PoolStatistics) -> fmt::Result {
    let connections = statistics.connections;
    let numbers = [
        (
            "pool_connections_max",
            "The largest number of connections to the database",
            statistics.max_connections as usize,
        ),
        (
            "pool_connections_in_use",
            "Connections to the database that are in use",
            connections.saturating_sub(statistics.idle) as usize,
        ),
        (
            "pool_connections_idle",
            "Connections to the database that nobody uses",
            statistics.idle as usize,
        ),
        (
            "pool_connections_hanging",
            "Aborted connections that are not closed yet",
            statistics.abandoned_now,
        ),
        (
            "pool_connections_hanging_max",
            "The largest number of abandoned connections that are not closed yet",
            statistics.max_abandoned,
        ),
    ];
    for (name, help, value) in numbers {
        let value = i64::try_from(value).unwrap_or(i64::MAX);
        show(encoder, name, help, &ConstGauge::new(value))?;
    }
    Ok(())
}

/// Shows what the pool has gone through.
fn show_counters(encoder: &mut DescriptorEncoder<'_>, statistics: &PoolStatistics) -> fmt::Result {
    let PoolStatistics {
        opened,
        closed,
        not_opened,
        handed_out,
        waited,
        timeouts,
        lost,
        reads_repeated,
        outcomes_unknown,
        conflicts_repeated,
        statements_cancelled,
        abandoned,
        ..
    } = *statistics;
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
        (
            "database_conflicts_repeated",
            "Changes that were repeated after a serialization failure or a deadlock",
            conflicts_repeated,
        ),
        (
            "database_statements_cancelled",
            "Statements that were ended by a deadline or cancelled",
            statements_cancelled,
        ),
        (
            "pool_connections_abandoned",
            "Connections that were abandoned because they did not answer",
            abandoned,
        ),
    ] {
        show(encoder, name, help, &ConstCounter::new(value))?;
    }
    show(
        encoder,
        "pool_wait_seconds",
        "Time for which connections were waited for",
        &ConstCounter::new(waited.as_secs_f64()),
    )
}
