//! What is to be reached, as ratios within one run.

use std::{num::NonZero, thread::available_parallelism};

use todo_trials::{Kind, Table, median};

use super::{
    report::{Measurement, Report},
    scale::{FEW, MANY_TASKS, MANY_USERS},
};

/// One goal, and what was found.
struct Goal {
    name: String,
    bound: f64,
    is_reached: bool,
    found: f64,
}

/// Each goal for which there are measurements.
pub(crate) fn table(report: &Report) -> Table {
    let mut table = Table::new(&["goal", "bound", "found", "reached"]);
    for goal in goals(report) {
        table.row([
            goal.name,
            format!("{}", goal.bound),
            format!("{:.2}", goal.found),
            if goal.is_reached { "yes" } else { "**no**" }.to_owned(),
        ]);
    }
    table
}

fn goals(report: &Report) -> Vec<Goal> {
    let find = |kind: Kind, operation: &str, connections: usize| {
        let database = kind.to_string();
        let mut all = report.measurements.iter().chain(&report.scale);
        all.find(|of| {
            of.database == database && of.operation == operation && of.connections == connections
        })
    };
    let throughput = |of: &Measurement| median(&of.throughput);
    let mut goals = Vec::new();
    let mut at_least = |name: &str, bound: f64, found: Option<f64>| {
        goals.extend(found.map(|found| Goal {
            name: name.to_owned(),
            bound,
            is_reached: found >= bound,
            found,
        }));
    };

    let list = find(Kind::Postgres, "list", 32);
    at_least(
        "list on PostgreSQL ÷ pgbench, the list statement alone",
        0.65,
        list.and_then(|of| of.of_floor(&of.floor_alone)),
    );
    for operation in ["get", "create", "toggle"] {
        let found = find(Kind::Postgres, operation, 32);
        at_least(
            &format!("{operation} on PostgreSQL ÷ pgbench, all of its statements"),
            0.6,
            found.and_then(|of| of.of_floor(&of.floor)),
        );
    }
    at_least(
        "list on SQLite ÷ list on PostgreSQL",
        1.3,
        find(Kind::Sqlite, "list", 32)
            .zip(list)
            .map(|(sqlite, postgres)| throughput(sqlite) / throughput(postgres)),
    );
    at_least(
        "create on SQLite, 32 connections ÷ 1 connection, where each commit is on disk",
        5.0,
        find(Kind::Sqlite, "create", 32)
            .zip(find(Kind::Sqlite, "create", 1))
            .map(|(many, one)| throughput(many) / throughput(one)),
    );
    for kind in [Kind::Sqlite, Kind::Postgres] {
        let cores = available_parallelism().map_or(1, NonZero::get);
        at_least(
            &format!("login on {kind} ÷ (cores ÷ time of one login by itself)"),
            0.95,
            find(kind, "login", 32)
                .zip(find(kind, "login", 1))
                .map(|(many, one)| throughput(many) * median(&one.p50) / 1e3 / cores as f64),
        );
    }

    let mut at_most = |name: &str, bound: f64, found: Option<f64>| {
        goals.extend(found.map(|found| Goal {
            name: name.to_owned(),
            bound,
            is_reached: found <= bound,
            found,
        }));
    };
    at_most(
        "list on PostgreSQL: p99 in ms",
        3.0,
        list.map(|of| median(&of.p99)),
    );
    for kind in [Kind::Sqlite, Kind::Postgres] {
        at_most(
            &format!("memory at 128 connections on {kind}, in MiB"),
            32.0,
            find(kind, "list", 128).map(|of| median(&of.resident)),
        );
        for name in [MANY_USERS, MANY_TASKS] {
            at_most(
                &format!("time of a page on {kind}: {name}, against {FEW}"),
                1.15,
                find(kind, name, 32)
                    .zip(find(kind, FEW, 32))
                    .map(|(many, few)| throughput(few) / throughput(many)),
            );
        }
    }
    goals
}
