//! What the server does in a second, how long it takes for it, and what that costs, operation by operation.

pub(crate) mod floor;
pub(crate) mod goals;
pub(crate) mod report;
mod scale;

use std::fs;

use clap::Args;
use todo_trials::{
    Accounts, Group, GroupReport, Kind, Load, Operation, Population, Server, ServerProgram,
    TrialDatabase, TrialResult, Until, cpu_time, memory, run_in_another_process,
};

use self::{
    floor::{Floor, round_trips},
    report::{Measurement, Report},
};
use crate::trial::{Databases, results, sign_in, sign_in_at};

/// How much is measured.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// For how many seconds each measurement goes on.
    #[arg(long, default_value_t = Self::default().seconds)]
    seconds: u64,
    /// How often each measurement is repeated.
    #[arg(long, default_value_t = Self::default().rounds)]
    rounds: usize,
    /// How many connections there are, separated by commas.
    #[arg(long, value_delimiter = ',', default_values_t = Self::default().connections)]
    connections: Vec<usize>,
    /// The operations, separated by commas; all of them without it.
    #[arg(long, value_delimiter = ',', value_parser = operation)]
    operations: Vec<Operation>,
    /// Leave out what takes long to seed: a user who has 100,000 tasks, and 100,000 users.
    #[arg(long)]
    without_scale: bool,
}

/// What is measured when nothing else is said.
impl Default for Arguments {
    fn default() -> Self {
        Self {
            seconds: 3,
            rounds: 3,
            connections: vec![1, 8, 32, 128],
            operations: Vec::new(),
            without_scale: false,
        }
    }
}

const ALL: [Operation; 10] = [
    Operation::List,
    Operation::Get,
    Operation::Create,
    Operation::Update,
    Operation::Toggle,
    Operation::Mix,
    Operation::Search,
    Operation::Login,
    Operation::Refresh,
    Operation::Batch,
];

fn operation(text: &str) -> Result<Operation, String> {
    let found = ALL.into_iter().find(|operation| operation.name() == text);
    found.ok_or_else(|| format!("must be one of {}", ALL.map(Operation::name).join(", ")))
}

/// Whoever has an account.
pub(crate) const POPULATION: Population = Population {
    users: 1_000,
    tasks_of_each: 200,
    others: 0,
    tasks_of_last: 0,
};

/// Those who log in, whose hashes cost what they cost.
const CROWD: Population = Population {
    users: 1_000,
    tasks_of_each: 1,
    others: 0,
    tasks_of_last: 0,
};

/// A server on a database that is measured.
pub(crate) struct Subject {
    pub(crate) kind: Kind,
    pub(crate) accounts: Accounts,
    pub(crate) server: Server,
    // Dropped after the server has ended.
    pub(crate) database: TrialDatabase,
}

impl Subject {
    fn new(
        program: &ServerProgram,
        database: TrialDatabase,
        population: &Population,
        signed_in: usize,
    ) -> TrialResult<Self> {
        population.seed(program, &database)?;
        let accounts = sign_in(program, &database, 0..signed_in, population)?;
        Ok(Self {
            kind: database.kind(),
            accounts,
            server: program.serve(&database)?,
            database,
        })
    }
}

/// Measures everything, and prints what was found.
pub(crate) fn run(
    arguments: &Arguments,
    program: &ServerProgram,
    kinds: &[Kind],
) -> TrialResult<()> {
    let program = program.with("TRUSTED_PROXIES", "127.0.0.1");
    // Only where logins are measured, they cost what they cost.
    let cheap = program
        .with("ARGON2_MEMORY_KIB", "8")
        .with("ARGON2_ITERATIONS", "1");
    let databases = Databases::start(kinds)?;
    let operations = match arguments.operations.as_slice() {
        [] => &ALL,
        chosen => chosen,
    };
    let (logins, others): (Vec<_>, Vec<_>) = operations
        .iter()
        .partition(|operation| **operation == Operation::Login);

    let mut report = Report::default();
    let subjects = subjects(&cheap, &databases, kinds, "operations", &POPULATION, 1_000)?;
    for operation in others {
        report
            .measurements
            .extend(measure(arguments, &databases, &subjects, operation)?);
    }
    drop(subjects);
    if !logins.is_empty() {
        let subjects = self::subjects(&program, &databases, kinds, "logins", &CROWD, 0)?;
        let login = measure(arguments, &databases, &subjects, Operation::Login)?;
        report.measurements.extend(login);
    }
    if !arguments.without_scale {
        report.scale = scale::run(arguments, &cheap, &databases, kinds)?;
    }

    println!("{report}");
    println!("{}", goals::table(&report));
    let file = results()?.join("latest.json");
    fs::write(&file, serde_json::to_vec_pretty(&report)?)?;
    println!("As JSON, for `just bench compare`: {}", file.display());
    Ok(())
}

fn subjects(
    program: &ServerProgram,
    databases: &Databases,
    kinds: &[Kind],
    name: &str,
    population: &Population,
    signed_in: usize,
) -> TrialResult<Vec<Subject>> {
    kinds
        .iter()
        .map(|kind| {
            eprintln!("{kind}: seeding {} users", population.users);
            let database = databases.create(*kind, name)?;
            Subject::new(program, database, population, signed_in)
        })
        .collect()
}

/// Measures one operation at each number of connections, round by round, each database in turn, and its floor.
fn measure(
    arguments: &Arguments,
    databases: &Databases,
    subjects: &[Subject],
    operation: Operation,
) -> TrialResult<Vec<Measurement>> {
    let mut found = Vec::new();
    for connections in &arguments.connections {
        eprintln!("{} at {connections}", operation.name());
        let mut measurements: Vec<_> = subjects
            .iter()
            .map(|subject| Measurement::new(subject.kind, operation, *connections))
            .collect();
        for _ in 0..arguments.rounds {
            for (subject, measurement) in subjects.iter().zip(&mut measurements) {
                let sample = sample(arguments, databases, subject, operation, *connections)?;
                measurement.add(&sample);
                let Some(floor) = Floor::of(databases, subject, operation)? else {
                    measurement.round_trips = round_trips(databases, subject, operation)?;
                    continue;
                };
                measurement.round_trips = Some(floor.round_trips);
                let (all, alone) = floor.measure(*connections, arguments.seconds)?;
                measurement.floor.push(all);
                measurement.floor_alone.push(alone);
            }
        }
        found.extend(measurements);
    }
    Ok(found)
}

/// What was found in one round.
pub(crate) struct Sample {
    pub(crate) sent: GroupReport,
    /// Seconds of cores.
    pub(crate) server_cpu: f64,
    pub(crate) database_cpu: f64,
    /// Bytes.
    pub(crate) resident: u64,
}

fn sample(
    arguments: &Arguments,
    databases: &Databases,
    subject: &Subject,
    operation: Operation,
    connections: usize,
) -> TrialResult<Sample> {
    let accounts = if operation == Operation::Refresh {
        // Each token counts once.
        sign_in_at(&subject.server, 0..connections, &POPULATION)?
    } else {
        subject.accounts.clone()
    };
    let load = Load {
        address: subject.server.address().to_owned(),
        accounts,
        groups: vec![Group {
            operation,
            connections,
            rate: None,
            until: Until::Seconds(arguments.seconds as f64),
            insists: false,
            warm_up: 0.5,
        }],
    };
    let postgres = databases
        .postgres()
        .filter(|_| subject.kind == Kind::Postgres);
    let cpu = || -> TrialResult<[f64; 2]> {
        let database = postgres.map_or(Ok(0.0), |server| {
            cpu_time(server.process_id()).map(|time| time.as_secs_f64())
        });
        let server = cpu_time(subject.server.process_id())?.as_secs_f64();
        Ok([server, database?])
    };
    let [server_before, database_before] = cpu()?;
    let sent = run_in_another_process(&load)?.pop();
    let [server, database] = cpu()?;
    let sent = sent.ok_or("a load without a report")?;
    if sent.failed + sent.wrong + sent.lost > 0 {
        eprintln!(
            "{} on {}: {:?}, {} with another body, {} connections lost",
            operation.name(),
            subject.kind,
            sent.answers,
            sent.wrong,
            sent.lost
        );
    }
    Ok(Sample {
        sent,
        server_cpu: server - server_before,
        database_cpu: database - database_before,
        resident: memory(subject.server.process_id())?.resident,
    })
}
