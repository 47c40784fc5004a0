//! The network between the server and PostgreSQL is bad.

use std::{
    thread,
    time::{Duration, Instant},
};

use todo_trials::{Kind, TrialDatabase, TrialResult};

use crate::{
    journal::{Operation, Outcome as Became},
    load::{Crew, Load, Target},
    people::Person,
    proxy::{Proxy, Weather},
    trial::{Fault, Findings, Ground, Outcome, stored},
};

pub(super) const FAULT: Fault = Fault {
    name: "network",
    what: "a proxy between server and PostgreSQL cuts all connections, cuts them at COMMIT (before and after it arrives) and \
           before answers, delays by 100 ms and by 4 s, throttles to 4 KiB/s, and is down",
    must_hold: "never a false success; an honest 503 within 3 s (and 0.5 s for the machine); `/health/live` answers; \
                recovered within 5 s",
    databases: &[Kind::Postgres],
    at_once: false,
    inject,
};

const CREW: Crew = Crew {
    writers: 12,
    readers: 4,
    asks_for_health: true,
    tidies_up: false,
    pause: Duration::from_millis(2),
    pause_when_refused: Duration::from_millis(20),
};

/// Within which time a request is answered, whatever happens: the server's default, and something for the machine.
const DEADLINE: Duration = Duration::from_millis(3_500);
/// Within which time everything is well after the network is.
const RECOVERY: Duration = Duration::from_secs(5);

fn inject(ground: &mut Ground, kind: Kind) -> TrialResult<Outcome> {
    let duration = Duration::from_secs(ground.short_or(1, 8));
    let database = ground.database(kind)?;
    let TrialDatabase::Postgres(postgres) = &database else {
        return Err("there is no network to a file".into());
    };
    let proxy = Proxy::start(&postgres.socket())?;
    let url = format!(
        "postgres://postgres@127.0.0.1:{}/{}?sslmode=disable&gssencmode=disable",
        proxy.port(),
        postgres.name()
    );
    let server = ground.program.with("DATABASE_URL", &url).serve(&database)?;
    let people = Person::register_several(server.address(), 4)?;
    let load = Load::start("network", &Target::new(server.address()), &people, CREW);
    thread::sleep(Duration::from_secs(1));
    let began = Instant::now();
    while began.elapsed() < duration {
        proxy.cut();
        thread::sleep(Duration::from_millis(100));
    }
    for weather in WEATHERS {
        proxy.set(weather);
        if weather.is_down {
            proxy.cut();
        }
        thread::sleep(duration);
    }
    proxy.set(Weather::default());
    let well_at = Instant::now();
    thread::sleep(RECOVERY + Duration::from_millis(500));
    let journal = load.finish()?;
    drop(server);

    let mut findings = Findings::default();
    findings.see(format!("{} connections cut at COMMIT", proxy.commits_cut()));
    findings.demand(proxy.commits_cut() > 0, "no COMMIT passed");
    let dead = journal
        .of(Operation::Live)
        .filter(|entry| entry.status != Some(200))
        .count();
    findings.demand(
        dead == 0,
        format!("{dead} times it did not say that it lives"),
    );
    let slowest = journal
        .entries
        .iter()
        .map(|entry| entry.took)
        .max()
        .unwrap_or_default();
    findings.see(format!("the slowest answer after {slowest:.2?}"));
    findings.demand_in_time(slowest <= DEADLINE, format!("an answer took {slowest:.2?}"));
    let failures = journal
        .entries
        .iter()
        .filter(|entry| entry.outcome != Became::Acknowledged);
    let last = failures
        .map(|entry| entry.ended().saturating_duration_since(well_at))
        .max();
    let last = last.unwrap_or_default();
    findings.see(format!("recovered after {last:.2?}"));
    findings.demand_in_time(last <= RECOVERY, format!("not recovered for {last:.2?}"));
    findings.demand_statuses(&journal, &[409, 503]);
    findings.demand_agreement(&journal, &stored(&database)?);
    Ok(Outcome::Ran(findings))
}

const FAIR: Weather = Weather {
    delay: Duration::ZERO,
    bytes_per_second: None,
    cuts_commits: false,
    cuts_answers: 0,
    is_down: false,
    swallows: false,
};

/// What the network does, one after another.
const WEATHERS: [Weather; 6] = [
    Weather {
        cuts_commits: true,
        ..FAIR
    },
    Weather {
        cuts_answers: 10,
        ..FAIR
    },
    Weather {
        delay: Duration::from_millis(100),
        ..FAIR
    },
    Weather {
        bytes_per_second: Some(4_096),
        ..FAIR
    },
    Weather {
        delay: Duration::from_secs(4),
        ..FAIR
    },
    Weather {
        is_down: true,
        ..FAIR
    },
];
