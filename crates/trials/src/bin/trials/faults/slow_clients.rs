//! Thousands of clients send so slowly that they never come to an end.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use todo_trials::{Kind, Server, TrialResult, open_files};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    runtime,
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::{
    journal::{Journal, Operation, Outcome as Became},
    load::{Crew, Load, Target},
    people::Person,
    trial::{Fault, Findings, Ground, Outcome},
};

pub(super) const FAULT: Fault = Fault {
    name: "slow-clients",
    what: "5,000 slow connections (1,000 in the short run), which send their first head, their second head, a body of known \
           length, or a chunked one byte by byte; each comes again when it was closed",
    must_hold: "p99 of normal clients at most twice what it is right before and after (and 5 ms for the machine); each slow one \
                closed within 10 s (5 s in the short run), the last two of which are for saying good-bye",
    databases: &[Kind::Sqlite],
    at_once: false,
    inject,
};

/// Those who ask for little, and have a right to be served.
const NORMAL: Crew = Crew {
    writers: 2,
    readers: 6,
    asks_for_health: false,
    tidies_up: true,
    pause: Duration::from_millis(40),
    pause_when_refused: Duration::ZERO,
};

/// How much longer than its deadline a connection may live: it is told, and closed in both directions.
const TOLERANCE: Duration = Duration::from_secs(2);
/// How much longer a request may take, besides twice as long.
const TOLERANCE_OF_P99: f64 = 5.0;
/// How long a slow client waits from byte to byte.
const BETWEEN_BYTES: Duration = Duration::from_secs(1);
/// How many open files a process needs besides one for each slow client.
const OTHER_FILES: usize = 500;

fn inject(ground: &mut Ground, kind: Kind) -> TrialResult<Outcome> {
    let count = ground.short_or(1_000, 5_000);
    let deadline = ground.short_or(3, 8);
    if !allow_open_files(count + OTHER_FILES) {
        let reason = format!("a process may not have {} open files", count + OTHER_FILES);
        return Ok(Outcome::NotRun(reason));
    }
    let duration = Duration::from_secs(ground.short_or(4, 15));
    let database = ground.database(kind)?;
    let program = ground
        .program
        .with("SLOW_CLIENT_DEADLINE_SECONDS", &deadline.to_string());
    let server = program.serve(&database)?;
    let people = Person::register_several(server.address(), 4)?;
    let mut normal = work(&server, "before", &people, duration)?;
    let slow = SlowClients::start(server.address(), count);
    // They come one after another, within this time.
    thread::sleep(RAMP);
    let with_slow = work(&server, "with-slow", &people, duration)?;
    let open = open_files(server.process_id())?.len();
    let lives = slow.finish()?;
    normal.add(work(&server, "after", &people, duration)?);

    let mut findings = Findings::default();
    findings.demand(
        open > count / 2,
        format!("only {open} connections were open"),
    );
    let [normal_p99, slow_p99] = [&normal, &with_slow].map(|journal| journal.p99(Operation::Read));
    findings.see(format!(
        "{count} slow connections; p99 of normal reads {slow_p99:.1} ms, without them {normal_p99:.1} ms"
    ));
    findings.demand_in_time(
        slow_p99 <= 2.0 * normal_p99 + TOLERANCE_OF_P99,
        format!("p99 of {slow_p99:.1} ms, without them {normal_p99:.1} ms"),
    );
    let failed = with_slow.entries.iter();
    let failed = failed
        .filter(|entry| entry.outcome != Became::Acknowledged)
        .count();
    findings.demand(failed == 0, format!("{failed} normal requests failed"));
    let longest = lives.iter().max().copied().unwrap_or_default();
    findings.see(format!(
        "{} of them closed, the last one after {longest:.2?}",
        lives.len()
    ));
    findings.demand(lives.len() >= count, "not all of them were closed");
    findings.demand_in_time(
        longest <= Duration::from_secs(deadline) + TOLERANCE,
        format!("one was closed after {longest:.2?}"),
    );
    Ok(Outcome::Ran(findings))
}

/// Within which time all slow clients come.
const RAMP: Duration = Duration::from_secs(3);

fn work(
    server: &Server,
    name: &str,
    people: &[Person],
    duration: Duration,
) -> TrialResult<Journal> {
    let load = Load::start(name, &Target::new(server.address()), people, NORMAL);
    thread::sleep(duration);
    load.finish()
}

/// Lets this process, and those that it starts from now on, have so many open files, if it may.
fn allow_open_files(count: usize) -> bool {
    let count = count as u64;
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_none_or(|current| current >= count) {
        return true;
    }
    let wanted = Rlimit {
        current: Some(count),
        maximum,
    };
    setrlimit(Resource::Nofile, wanted).is_ok()
}

/// Clients that send a byte now and then.
struct SlowClients {
    stop: Arc<AtomicBool>,
    thread: thread::JoinHandle<TrialResult<Vec<Duration>>>,
}

impl SlowClients {
    fn start(address: &str, count: usize) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let address: Arc<str> = Arc::from(address);
        let thread = thread::spawn(move || {
            let runtime = runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            runtime.block_on(async {
                let mut clients = JoinSet::new();
                let requests = SLOW_REQUESTS.iter().cycle().take(count);
                for (number, (beginning, piece)) in requests.enumerate() {
                    let (address, stop) = (Arc::clone(&address), Arc::clone(&stopped));
                    clients.spawn(async move {
                        sleep(RAMP.mul_f64(number as f64 / count as f64)).await;
                        be_slow(&address, beginning, piece, &stop).await
                    });
                }
                let mut lives = Vec::new();
                while let Some(of_client) = clients.join_next().await {
                    lives.extend(of_client?);
                }
                Ok(lives)
            })
        });
        Self { stop, thread }
    }

    /// Ends them when their connections are closed, and gives how long each connection lived.
    fn finish(self) -> TrialResult<Vec<Duration>> {
        self.stop.store(true, Ordering::SeqCst);
        match self.thread.join() {
            Ok(lives) => lives,
            Err(_) => Err("the slow clients panicked".into()),
        }
    }
}

/// What slow clients begin with, and what they send then, again and again.
const SLOW_REQUESTS: [(&str, &str); 4] = [
    (
        "GET /api/tasks HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
        "x",
    ),
    (
        "GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n\
         GET /api/tasks HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
        "x",
    ),
    (
        "POST /api/auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Content-Length: 1000\r\n\r\n",
        "x",
    ),
    (
        "POST /api/auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Transfer-Encoding: chunked\r\n\r\n",
        "1\r\nx\r\n",
    ),
];

async fn be_slow(address: &str, beginning: &str, piece: &str, stop: &AtomicBool) -> Vec<Duration> {
    let mut lives = Vec::new();
    while !stop.load(Ordering::SeqCst) {
        let Ok(mut connection) = TcpStream::connect(address).await else {
            sleep(BETWEEN_BYTES).await;
            continue;
        };
        let began = Instant::now();
        let mut is_open = connection.write_all(beginning.as_bytes()).await.is_ok();
        let mut received = [0; 1_024];
        while is_open {
            // Whatever comes is read; the end of the connection is waited for.
            match timeout(BETWEEN_BYTES, connection.read(&mut received)).await {
                Ok(Ok(0) | Err(_)) => is_open = false,
                Ok(Ok(_)) => {}
                Err(_) => is_open = connection.write_all(piece.as_bytes()).await.is_ok(),
            }
        }
        lives.push(began.elapsed());
    }
    lives
}
