//! The disk under an SQLite file is full.

use std::{
    fs::{self, File},
    io::Write as _,
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;
use todo_trials::{Kind, TrialDatabase, TrialResult};

use crate::{
    journal::{Operation, Outcome as Became},
    load::{Crew, Load, Target},
    people::Person,
    trial::{Fault, Findings, Ground, Outcome, has_program, query, stored},
};

pub(super) const FAULT: Fault = Fault {
    name: "full-disk",
    what: "the disk under an SQLite file (a tmpfs of 16 MiB) is full, again and again",
    must_hold: "writes 507 or 503, reads go on, writes resume within 1 s of there being room; no acknowledged write lost, \
                none twice; `integrity_check` is ok",
    databases: &[Kind::Sqlite],
    at_once: false,
    inject,
};

const CREW: Crew = Crew {
    writers: 6,
    readers: 4,
    asks_for_health: true,
    tidies_up: false,
    pause: Duration::from_millis(5),
    pause_when_refused: Duration::from_millis(50),
};

/// Within which time writes resume once there is room.
const RECOVERY: Duration = Duration::from_secs(1);

fn inject(ground: &mut Ground, _: Kind) -> TrialResult<Outcome> {
    for program in ["sqlite3", "mount", "umount"] {
        if !has_program(program) {
            return Ok(Outcome::NotRun(format!(
                "the program {program} is not there"
            )));
        }
    }
    let Some(disk) = SmallDisk::mount()? else {
        return Ok(Outcome::NotRun(
            "no tmpfs can be mounted; that takes root".to_owned(),
        ));
    };
    let times = ground.short_or(2, 10);
    let database = TrialDatabase::Sqlite(TempDir::new_in(disk.0.path())?);
    let server = ground.program.serve(&database)?;
    let people = Person::register_several(server.address(), 4)?;
    let load = Load::start("full", &Target::new(server.address()), &people, CREW);
    let mut rounds = Vec::new();
    for _ in 0..times {
        thread::sleep(Duration::from_millis(500));
        let ballast = disk.0.path().join("ballast");
        fill(&ballast)?;
        let full_at = Instant::now();
        thread::sleep(Duration::from_millis(1_500));
        fs::remove_file(&ballast)?;
        let room_at = Instant::now();
        thread::sleep(RECOVERY + Duration::from_secs(1));
        rounds.push((full_at, room_at, Instant::now()));
    }
    let journal = load.finish()?;
    drop(server);

    let mut findings = Findings::default();
    let mut slowest = Duration::ZERO;
    let mut refused = 0;
    for (full_at, room_at, ended) in rounds {
        let of_round = |from: Instant, to: Instant| {
            let writes = journal.writes();
            writes.filter(move |entry| entry.ended() > from && entry.ended() <= to)
        };
        let failed =
            |from, to| of_round(from, to).filter(|entry| entry.outcome != Became::Acknowledged);
        let refused_now = failed(full_at, room_at).count();
        findings.demand(refused_now > 0, "nothing was refused: it was not full");
        refused += refused_now;
        let last = failed(room_at, ended)
            .map(|entry| entry.ended() - room_at)
            .max();
        slowest = slowest.max(last.unwrap_or_default());
        let resumed = of_round(room_at, ended).any(|entry| entry.outcome == Became::Acknowledged);
        findings.demand(resumed, "writes did not resume");
    }
    findings.see(format!(
        "full {times} times; {refused} writes refused; resumed after {slowest:.2?}"
    ));
    findings.demand_in_time(
        slowest <= RECOVERY,
        format!("writes failed for {slowest:.2?}"),
    );
    for operation in [Operation::Read, Operation::Live, Operation::Ready] {
        let failed = journal
            .of(operation)
            .filter(|entry| entry.status != Some(200));
        let failed = failed.count();
        findings.see(format!(
            "{operation:?}: {failed} of {} failed",
            journal.of(operation).count()
        ));
        findings.demand(failed == 0, format!("{operation:?} failed"));
    }
    findings.demand_statuses(&journal, &[409, 503, 507]);
    let check = query(&database, "PRAGMA integrity_check")?;
    findings.demand(check == "ok", format!("`integrity_check` says {check}"));
    findings.demand_agreement(&journal, &stored(&database)?);
    // Before the disk goes that it is on.
    drop(database);
    Ok(Outcome::Ran(findings))
}

/// A disk of 16 MiB, until it is dropped.
struct SmallDisk(TempDir);

impl SmallDisk {
    /// `None` where none can be mounted.
    fn mount() -> TrialResult<Option<Self>> {
        let folder = TempDir::new()?;
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=16m,mode=0700", "trials"])
            .arg(folder.path())
            .output()?;
        Ok(mounted.status.success().then_some(Self(folder)))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        drop(Command::new("umount").arg(self.0.path()).output());
    }
}

/// Takes up all the room that is left.
fn fill(ballast: &Path) -> TrialResult<()> {
    let mut ballast = File::create(ballast)?;
    while ballast.write_all(&[0; 512]).is_ok() {}
    Ok(())
}
