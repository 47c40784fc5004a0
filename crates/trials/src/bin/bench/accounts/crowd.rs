//! A thousand users who log in at once: what that takes of memory, and what others feel of it.

use std::{thread, time::Duration};

use todo_trials::{
    Accounts, Connection, Group, GroupReport, Load, Operation, Request, Server, ServerProgram,
    Table, TrialDatabase, TrialResult, Until, forget_peak, median, memory, percentile,
    run_in_another_process,
};

use super::{Arguments, POPULATION, hashing_threads};
use crate::trial::{runtime, sign_in};

/// How many log in at once.
const CROWD: usize = 1_000;

/// What one hash takes, in bytes.
const HASH: u64 = 19_456 * 1_024;

/// How the server is configured for a crowd.
#[derive(Debug, Clone, Copy)]
enum Configuration {
    /// As it comes: those who would wait for too long are told to come back, and do.
    Default,
    /// So that all of them wait.
    Patient,
}

impl Configuration {
    const ALL: [Self; 2] = [Self::Default, Self::Patient];

    fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Patient => "`HASHING_QUEUE_LENGTH=1024`, `REQUEST_DEADLINE_SECONDS=60`",
        }
    }

    fn applied_to(self, program: &ServerProgram) -> ServerProgram {
        match self {
            Self::Default => program.clone(),
            Self::Patient => program
                .with("HASHING_QUEUE_LENGTH", "1024")
                .with("REQUEST_DEADLINE_SECONDS", "60"),
        }
    }
}

/// What was found in one round.
struct Round {
    alone: Latency,
    meanwhile: Latency,
    peak: u64,
    logins: GroupReport,
    lists: GroupReport,
}

/// How long lists took, in microseconds.
#[derive(Debug, Clone, Copy)]
struct Latency {
    p95: f64,
    p99: f64,
}

impl Latency {
    fn of(report: &GroupReport) -> Self {
        let [p95, p99] = [0.95, 0.99].map(|share| percentile(&report.latencies, share));
        Self { p95, p99 }
    }
}

/// Measures on each database, and prints what was found.
pub(crate) fn run(
    arguments: &Arguments,
    program: &ServerProgram,
    databases: &[TrialDatabase],
) -> TrialResult<()> {
    let head = [
        "database",
        "configuration",
        "idle",
        "idle, with their connections",
        "peak",
        "peak, without lists",
        "bound",
        "logins served + told to come back",
        "served in a second",
        "p95 of a list, undisturbed",
        "meanwhile",
        "p99 of a list, undisturbed",
        "meanwhile",
        "ratio (each round)",
    ];
    let mut table = Table::new(&head);
    for database in databases {
        let accounts = sign_in(program, database, 0..16, &POPULATION)?;
        for configuration in Configuration::ALL {
            let program = configuration.applied_to(program);
            table.row(measure(
                arguments,
                &program,
                database,
                configuration,
                &accounts,
            )?);
        }
    }
    println!(
        "{CROWD} users who log in at once, and come back when they are told to, while others ask for {} lists in a \
         second. \
         The bound is idle with their connections + {} × 19 MiB + 10 %.\n\n{table}",
        arguments.rate,
        hashing_threads()
    );
    Ok(())
}

fn measure(
    arguments: &Arguments,
    program: &ServerProgram,
    database: &TrialDatabase,
    configuration: Configuration,
    accounts: &Accounts,
) -> TrialResult<Vec<String>> {
    let server = program.serve(database)?;
    let load = |groups: Vec<Group>| Load {
        address: server.address().to_owned(),
        accounts: accounts.clone(),
        groups,
    };
    let lists = |until| Group {
        operation: Operation::List,
        connections: 8,
        rate: Some(arguments.rate),
        until,
        insists: false,
        warm_up: 0.0,
    };
    let logins = Group {
        operation: Operation::Login,
        connections: CROWD,
        rate: None,
        until: Until::Sent(1),
        insists: true,
        warm_up: 0.0,
    };
    // Connections are opened, statements prepared, and pages of the database kept.
    let in_use = Group {
        operation: Operation::Mix,
        rate: None,
        ..lists(Until::Seconds(3.0))
    };
    send(&load(vec![in_use]))?;
    let alone = memory(server.process_id())?.resident;
    // Others had connected before: what they leave free is not in one piece.
    runtime()?.block_on(connected(&server))?;
    let idle = runtime()?.block_on(connected(&server))?;
    let mut rounds = Vec::new();
    for _ in 0..arguments.rounds {
        let [alone] = take(send(&load(vec![lists(Until::Seconds(6.0))]))?)?;
        forget_peak(server.process_id())?;
        let together = load(vec![lists(Until::OthersEnd), logins.clone()]);
        let [lists, logins] = take(send(&together)?)?;
        rounds.push(Round {
            alone: Latency::of(&alone),
            meanwhile: Latency::of(&lists),
            peak: memory(server.process_id())?.peak,
            logins,
            lists,
        });
        thread::sleep(Duration::from_secs(1));
    }
    forget_peak(server.process_id())?;
    send(&load(vec![logins]))?;
    let peak_without_lists = memory(server.process_id())?.peak;
    for round in &rounds {
        let failed = round.lists.answered() - round.lists.with_status(200) + round.lists.lost;
        if failed > 0 {
            eprintln!("{failed} lists failed: {:?}", round.lists.answers);
        }
        if round.logins.with_status(200) != CROWD as u64 {
            eprintln!("logins: {:?}", round.logins.answers);
        }
    }
    let of_rounds = |of: fn(&Round) -> f64| rounds.iter().map(of).collect::<Vec<_>>();
    let milliseconds = |of| format!("{:.2} ms", median(&of_rounds(of)) / 1e3);
    let of_rounds_counted = |status| {
        let counts = rounds.iter().map(|round| round.logins.with_status(status));
        median(&counts.map(|count| count as f64).collect::<Vec<_>>())
    };
    let peak = rounds.iter().map(|round| round.peak).max().unwrap_or(0);
    let bound = (idle + hashing_threads() as u64 * HASH) as f64 * 1.1;
    let ratios = rounds
        .iter()
        .map(|round| format!("{:.1}", round.meanwhile.p99 / round.alone.p99));
    Ok(vec![
        database.kind().to_string(),
        configuration.name().to_owned(),
        mib(alone as f64),
        mib(idle as f64),
        mib(peak as f64),
        mib(peak_without_lists as f64),
        mib(bound),
        format!("{} + {}", of_rounds_counted(200), of_rounds_counted(503)),
        format!(
            "{:.0}",
            median(&of_rounds(|round| round.logins.throughput()))
        ),
        milliseconds(|round| round.alone.p95),
        milliseconds(|round| round.meanwhile.p95),
        milliseconds(|round| round.alone.p99),
        milliseconds(|round| round.meanwhile.p99),
        ratios.collect::<Vec<_>>().join(", "),
    ])
}

/// What the server takes of memory when all of them have connected, and ask for nothing.
async fn connected(server: &Server) -> TrialResult<u64> {
    let mut connections = Vec::new();
    for _ in 0..CROWD {
        let mut connection = Connection::open(server.address()).await?;
        let live = Request::new("GET", "/health/live");
        connection.send(&live).await?;
        connections.push(connection);
    }
    let resident = memory(server.process_id())?.resident;
    drop(connections);
    Ok(resident)
}

fn send(load: &Load) -> TrialResult<Vec<GroupReport>> {
    run_in_another_process(load)
}

fn take<const COUNT: usize>(reports: Vec<GroupReport>) -> TrialResult<[GroupReport; COUNT]> {
    let count = reports.len();
    match reports.try_into() {
        Ok(reports) => Ok(reports),
        Err(_) => Err(format!("{count} groups report in place of {COUNT}").into()),
    }
}

fn mib(bytes: f64) -> String {
    format!("{:.1} MiB", bytes / 1_048_576.0)
}
