//! Whether a page of 20 takes longer where there is much: a user who has 100,000 tasks, and 100,000 users.

use todo_trials::{
    Accounts, Group, Kind, Load, Operation, Population, Server, ServerProgram, TrialResult, Until,
    cpu_time, memory, run_in_another_process,
};

use super::{Arguments, POPULATION, Sample, report::Measurement};
use crate::trial::{Databases, sign_in};

/// The same users with as much to do, among many others.
const MANY: Population = Population {
    others: 99_000,
    tasks_of_last: 100_000,
    ..POPULATION
};

/// How many connections ask.
const CONNECTIONS: usize = 32;

/// What the measurements are called.
pub(crate) const FEW: &str = "list, 1,000 users";
pub(crate) const MANY_USERS: &str = "list, 100,000 users";
pub(crate) const MANY_TASKS: &str = "list, 100,000 tasks of one user";

/// Measures, round by round, each of these in turn.
pub(super) fn run(
    arguments: &Arguments,
    program: &ServerProgram,
    databases: &Databases,
    kinds: &[Kind],
) -> TrialResult<Vec<Measurement>> {
    let mut found = Vec::new();
    for kind in kinds {
        eprintln!("{kind}: seeding 100,000 users");
        let few = databases.create(*kind, "few")?;
        POPULATION.seed(program, &few)?;
        let many = databases.create(*kind, "many")?;
        MANY.seed(program, &many)?;
        let last = MANY.users + MANY.others;
        let of_few = sign_in(program, &few, 0..1_000, &POPULATION)?;
        let of_many = sign_in(program, &many, 0..1_000, &MANY)?;
        let of_last = sign_in(program, &many, last..last + 1, &MANY)?;
        let [few_server, many_server] = [program.serve(&few)?, program.serve(&many)?];
        let mut measured: Vec<(&Server, &Accounts, Measurement)> = [
            (&few_server, &of_few, FEW),
            (&many_server, &of_many, MANY_USERS),
            (&many_server, &of_last, MANY_TASKS),
        ]
        .map(|(server, accounts, name)| {
            (
                server,
                accounts,
                Measurement::named(*kind, name, CONNECTIONS),
            )
        })
        .into();
        for _ in 0..arguments.rounds {
            for (server, accounts, measurement) in &mut measured {
                measurement.add(&sample(arguments, server, accounts)?);
            }
        }
        found.extend(measured.into_iter().map(|(_, _, measurement)| measurement));
    }
    Ok(found)
}

fn sample(arguments: &Arguments, server: &Server, accounts: &Accounts) -> TrialResult<Sample> {
    let load = Load {
        address: server.address().to_owned(),
        accounts: accounts.clone(),
        groups: vec![Group {
            operation: Operation::List,
            connections: CONNECTIONS,
            rate: None,
            until: Until::Seconds(arguments.seconds as f64),
            insists: false,
            warm_up: 0.5,
        }],
    };
    let cpu = || cpu_time(server.process_id()).map(|time| time.as_secs_f64());
    let before = cpu()?;
    let sent = run_in_another_process(&load)?.pop();
    let after = cpu()?;
    Ok(Sample {
        sent: sent.ok_or("a load without a report")?,
        server_cpu: after - before,
        database_cpu: 0.0,
        resident: memory(server.process_id())?.resident,
    })
}
