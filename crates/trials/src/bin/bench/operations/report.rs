//! What was measured, as JSON and as a table.

use std::fmt;

use serde::{Deserialize, Serialize};
use todo_trials::{Kind, Operation, Table, median, percentile};

use super::Sample;

/// Everything that one run measured.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Report {
    pub(crate) measurements: Vec<Measurement>,
    /// A page of 20 where there is little, and where there is much.
    #[serde(default)]
    pub(crate) scale: Vec<Measurement>,
}

/// One operation on one database, at one number of connections. Each list has one number for each round.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Measurement {
    pub(crate) database: String,
    pub(crate) operation: String,
    pub(crate) connections: usize,
    /// Requests in a second that succeeded.
    pub(crate) throughput: Vec<f64>,
    /// Milliseconds.
    pub(crate) p50: Vec<f64>,
    /// Milliseconds.
    pub(crate) p99: Vec<f64>,
    /// Microseconds of a core for each request, of the server.
    pub(crate) server_cpu: Vec<f64>,
    /// The same of PostgreSQL.
    pub(crate) database_cpu: Vec<f64>,
    /// Memory of the server afterwards, in MiB.
    pub(crate) resident: Vec<f64>,
    /// How many requests failed, in all rounds.
    pub(crate) failed: u64,
    /// Statements that the server sends for a request.
    pub(crate) round_trips: Option<usize>,
    /// How often PostgreSQL by itself does in a second what all of them do.
    pub(crate) floor: Vec<f64>,
    /// The same for the last of them alone.
    pub(crate) floor_alone: Vec<f64>,
}

impl Measurement {
    pub(crate) fn new(database: Kind, operation: Operation, connections: usize) -> Self {
        Self::named(database, operation.name(), connections)
    }

    pub(crate) fn named(database: Kind, operation: &str, connections: usize) -> Self {
        Self {
            database: database.to_string(),
            operation: operation.to_owned(),
            connections,
            throughput: Vec::new(),
            p50: Vec::new(),
            p99: Vec::new(),
            server_cpu: Vec::new(),
            database_cpu: Vec::new(),
            resident: Vec::new(),
            failed: 0,
            round_trips: None,
            floor: Vec::new(),
            floor_alone: Vec::new(),
        }
    }

    /// Adds what was found in one round.
    pub(crate) fn add(&mut self, sample: &Sample) {
        let sent = &sample.sent;
        let of_each = |seconds: f64| seconds * 1e6 / sent.answered() as f64;
        self.throughput.push(sent.throughput());
        self.p50.push(percentile(&sent.latencies, 0.5) / 1e3);
        self.p99.push(percentile(&sent.latencies, 0.99) / 1e3);
        self.server_cpu.push(of_each(sample.server_cpu));
        self.database_cpu.push(of_each(sample.database_cpu));
        self.resident.push(sample.resident as f64 / 1_048_576.0);
        self.failed += sent.failed + sent.wrong + sent.lost;
    }

    /// The median of the rounds' ratios of throughput to a floor; `None` where there is none.
    pub(crate) fn of_floor(&self, floor: &[f64]) -> Option<f64> {
        let rounds = self.throughput.iter().zip(floor);
        let ratios: Vec<f64> = rounds.map(|(own, floor)| own / floor).collect();
        (!ratios.is_empty()).then(|| median(&ratios))
    }
}

/// A median, and the least and the most.
fn with_spread(rounds: &[f64]) -> String {
    let [least, most] = [percentile(rounds, 0.0), percentile(rounds, 1.0)];
    format!("{:.0} ({least:.0}–{most:.0})", median(rounds))
}

fn milliseconds(rounds: &[f64]) -> String {
    format!("{:.2}", median(rounds))
}

fn ratio(found: Option<f64>) -> String {
    found.map_or(String::new(), |found| format!("{found:.2}"))
}

fn cpu(of: &Measurement) -> String {
    let server = format!("{:.0}", median(&of.server_cpu));
    if of.database == Kind::Postgres.to_string() {
        format!("{server} + {:.0}", median(&of.database_cpu))
    } else {
        server
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::new(&[
            "operation",
            "connections",
            "database",
            "requests in a second (least–most)",
            "p50, ms",
            "p99, ms",
            "CPU of each, server + database, µs",
            "memory, MiB",
            "round trips",
            "of pgbench, all of its statements",
            "of pgbench, the last alone",
            "failed",
        ]);
        for of in self.measurements.iter().chain(&self.scale) {
            table.row([
                of.operation.clone(),
                of.connections.to_string(),
                of.database.clone(),
                with_spread(&of.throughput),
                milliseconds(&of.p50),
                milliseconds(&of.p99),
                cpu(of),
                format!("{:.0}", median(&of.resident)),
                of.round_trips
                    .map_or(String::new(), |count| count.to_string()),
                ratio(of.of_floor(&of.floor)),
                ratio(of.of_floor(&of.floor_alone)),
                of.failed.to_string(),
            ]);
        }
        table.fmt(f)
    }
}

/// What became of each measurement, as a table.
pub(crate) fn comparison(old: &Report, new: &Report) -> Table {
    let mut table = Table::new(&[
        "operation",
        "connections",
        "database",
        "requests in a second, old",
        "new",
        "new ÷ old",
        "p99, ms, old",
        "new",
        "of pgbench, old",
        "new",
        "changed",
    ]);
    let all = |report: &Report| {
        let measurements = report.measurements.iter().chain(&report.scale);
        measurements.cloned().collect::<Vec<_>>()
    };
    let before = all(old);
    for new in all(new) {
        let old = before.iter().find(|old| {
            (&old.operation, &old.database, old.connections)
                == (&new.operation, &new.database, new.connections)
        });
        let Some(old) = old else { continue };
        table.row([
            new.operation.clone(),
            new.connections.to_string(),
            new.database.clone(),
            with_spread(&old.throughput),
            with_spread(&new.throughput),
            format!("{:.2}", median(&new.throughput) / median(&old.throughput)),
            milliseconds(&old.p99),
            milliseconds(&new.p99),
            ratio(old.of_floor(&old.floor)),
            ratio(new.of_floor(&new.floor)),
            verdict(&old.throughput, &new.throughput).to_owned(),
        ]);
    }
    table
}

/// What can be said of two kinds of rounds: something only if no round of the one lies among those of the other.
fn verdict(old: &[f64], new: &[f64]) -> &'static str {
    let [old_least, old_most] = [0.0, 1.0].map(|share| percentile(old, share));
    let [new_least, new_most] = [0.0, 1.0].map(|share| percentile(new, share));
    if new_least > old_most {
        "faster"
    } else if new_most < old_least {
        "slower"
    } else {
        "within the spread"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(throughput: [f64; 3], floor: [f64; 3]) -> Measurement {
        Measurement {
            throughput: throughput.to_vec(),
            floor: floor.to_vec(),
            ..Measurement::new(Kind::Postgres, Operation::List, 32)
        }
    }

    fn report(throughput: [f64; 3]) -> Report {
        Report {
            measurements: vec![measured(throughput, [1_000.0; 3])],
            scale: Vec::new(),
        }
    }

    #[test]
    fn a_ratio_is_that_of_each_round() {
        let measured = measured([100.0, 400.0, 90.0], [200.0, 800.0, 100.0]);
        let ratio = measured.of_floor(&measured.floor).unwrap();
        assert!((ratio - 0.5).abs() < 1e-9, "{ratio}");
        assert_eq!(measured.of_floor(&measured.floor_alone), None);
    }

    #[test]
    fn a_report_is_read_as_it_was_written() {
        let written = report([100.0, 110.0, 90.0]);
        let json = serde_json::to_vec(&written).unwrap();
        let read: Report = serde_json::from_slice(&json).unwrap();
        assert_eq!(read.measurements, written.measurements);
    }

    #[test]
    fn only_what_lies_beyond_the_spread_has_changed() {
        let old = report([100.0, 110.0, 90.0]);
        for (new, verdict) in [
            ([111.0, 130.0, 120.0], "faster"),
            ([89.0, 80.0, 70.0], "slower"),
            ([95.0, 130.0, 120.0], "within the spread"),
        ] {
            let table = comparison(&old, &report(new)).to_string();
            assert!(table.contains(verdict), "{table}");
        }
    }
}
