//! The primary of PostgreSQL is lost with its connections left open, and a standby is promoted.

use std::{
    thread,
    time::{Duration, Instant},
};

use todo_trials::{Kind, PostgresServer, TrialDatabase, TrialResult};

use crate::{
    journal::{Operation, Outcome as Became},
    load::{Crew, Load, Target},
    people::Person,
    proxy::{Proxy, Weather},
    signals::Frozen,
    trial::{Fault, Findings, Ground, Outcome, stored},
};

pub(super) const VANISHED: Fault = Fault {
    name: "vanished-primary",
    what: "nothing passes any more between the server and the primary, while connections stay open; 2 s later the \
           standby, which is synchronous, is promoted",
    must_hold: "writes go on within 10 s of the promotion; nothing acknowledged is lost; `/health/live` answers all the \
                while",
    databases: &[Kind::Postgres],
    at_once: false,
    inject: vanish,
};

pub(super) const FROZEN: Fault = Fault {
    name: "frozen-primary",
    what: "the primary stands still: `SIGSTOP` of all its processes; 2 s later the standby, which is synchronous, is \
           promoted",
    must_hold: "writes go on within 30 s of the promotion; nothing acknowledged is lost; `/health/live` answers all the \
                while",
    databases: &[Kind::Postgres],
    at_once: false,
    inject: freeze,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Loss {
    Vanished,
    Frozen,
}

impl Loss {
    /// Within which time of the promotion writes go on.
    fn recovery(self) -> Duration {
        match self {
            Self::Vanished => Duration::from_secs(10),
            Self::Frozen => Duration::from_secs(30),
        }
    }
}

const CREW: Crew = Crew {
    writers: 24,
    readers: 4,
    asks_for_health: true,
    tidies_up: false,
    pause: Duration::from_millis(5),
    pause_when_refused: Duration::from_millis(50),
};

/// How long it takes whoever promotes the standby to notice.
const DETECTION: Duration = Duration::from_secs(2);

const DATABASE: &str = "trial";

fn vanish(ground: &mut Ground, _: Kind) -> TrialResult<Outcome> {
    inject(ground, Loss::Vanished)
}

fn freeze(ground: &mut Ground, _: Kind) -> TrialResult<Outcome> {
    inject(ground, Loss::Frozen)
}

fn inject(ground: &Ground, loss: Loss) -> TrialResult<Outcome> {
    let primary = PostgresServer::start()?;
    let database = TrialDatabase::postgres(&primary, DATABASE)?;
    let standby = primary.start_synchronous_standby()?;
    let promoted = standby.database(DATABASE);
    let proxies = [
        Proxy::start(&primary.database(DATABASE).socket())?,
        Proxy::start(&promoted.socket())?,
    ];
    let [first, second] = proxies.each_ref().map(Proxy::port);
    let url = format!(
        "postgres://postgres@127.0.0.1:{first},127.0.0.1:{second}/{DATABASE}\
         ?target_session_attrs=read-write&sslmode=disable&gssencmode=disable"
    );
    let server = ground.program.with("DATABASE_URL", &url).serve(&database)?;
    let people = Person::register_several(server.address(), 4)?;
    let load = Load::start("lost", &Target::new(server.address()), &people, CREW);
    thread::sleep(Duration::from_secs(2));

    let frozen = match loss {
        Loss::Vanished => {
            let [to_primary, _] = &proxies;
            to_primary.set(Weather {
                swallows: true,
                ..Weather::default()
            });
            None
        }
        Loss::Frozen => Some(Frozen::freeze(primary.process_id())?),
    };
    let lost_at = Instant::now();
    thread::sleep(DETECTION);
    standby.promote()?;
    let promoted_at = Instant::now();
    thread::sleep(loss.recovery() + Duration::from_secs(3));
    let journal = load.finish()?;
    let log = server.log()?;
    drop(server);

    let mut findings = Findings::default();
    let acknowledged = || {
        journal
            .writes()
            .filter(|entry| entry.outcome == Became::Acknowledged)
    };
    let before = acknowledged().filter(|entry| entry.ended() < lost_at);
    findings.see(format!("{} writes before the loss", before.count()));
    let resumed = acknowledged()
        .filter(|entry| entry.ended() > promoted_at)
        .map(|entry| entry.ended().saturating_duration_since(promoted_at))
        .min();
    match resumed {
        Some(after) => {
            findings.see(format!("writes go on {after:.2?} after the promotion"));
            findings.demand_in_time(
                after <= loss.recovery(),
                format!("writes go on only after {after:.2?}"),
            );
        }
        None => findings.demand(false, "writes never go on"),
    }
    let abandoned = log.matches("was abandoned").count();
    findings.see(format!("{abandoned} connections abandoned"));
    let dead = journal
        .of(Operation::Live)
        .filter(|entry| entry.status != Some(200))
        .count();
    findings.demand(
        dead == 0,
        format!("{dead} times it did not say that it lives"),
    );
    let last_ready = journal.of(Operation::Ready).max_by_key(|entry| entry.sent);
    findings.demand(
        last_ready.is_some_and(|entry| entry.status == Some(200)),
        "it is not ready in the end",
    );
    findings.demand_statuses(&journal, &[409, 503]);
    findings.demand_agreement(&journal, &stored(&TrialDatabase::Postgres(promoted))?);
    drop(frozen);
    Ok(Outcome::Ran(findings))
}
