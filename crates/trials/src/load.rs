//! Load: many connections that send requests, in a process of their own.

use std::{
    collections::BTreeMap,
    env, io,
    io::Write as _,
    process::{Command, Stdio},
    sync::{
        Arc, Barrier,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tokio::{
    runtime,
    task::JoinSet,
    time::{Instant, sleep, sleep_until},
};

use crate::{Accounts, Answer, Connection, Operation, Random, Requests, TrialResult};

/// What is sent to a server.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Load {
    /// Where the server listens.
    pub address: String,
    /// Whoever asks.
    pub accounts: Accounts,
    /// What is sent at the same time.
    pub groups: Vec<Group>,
}

/// Connections that do the same.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Group {
    /// What they ask for.
    pub operation: Operation,
    /// How many they are.
    pub connections: usize,
    /// How many requests all of them together send in a second; without it, each sends the next when it has its answer.
    pub rate: Option<f64>,
    /// How long each goes on.
    pub until: Until,
    /// Whether each sends a request again that the server is too busy for (503), when the answer says (`Retry-After`), or
    /// up to a second later, so that not all of them come back at once. What it takes is measured from the first time on.
    pub insists: bool,
    /// For how many seconds nothing is measured yet.
    pub warm_up: f64,
}

/// How long a connection goes on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Until {
    /// For so many seconds after the warm-up.
    Seconds(f64),
    /// Until it has sent so many requests.
    Sent(usize),
    /// Until the groups have ended that do not wait for others.
    OthersEnd,
}

/// What a group was answered.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct GroupReport {
    /// How often there was which status, the warm-up included.
    pub answers: BTreeMap<u16, u64>,
    /// How many connections were lost.
    pub lost: u64,
    /// How many answers had another status than that of success.
    pub failed: u64,
    /// How many answers had the status of success, and not the body.
    pub wrong: u64,
    /// For how many seconds was measured.
    pub seconds: f64,
    /// How many microseconds each request took that succeeded and was measured.
    pub latencies: Vec<f64>,
}

impl GroupReport {
    /// How many answers there were, the warm-up included.
    #[must_use]
    pub fn answered(&self) -> u64 {
        self.answers.values().sum()
    }

    /// How many answers had this status.
    #[must_use]
    pub fn with_status(&self, status: u16) -> u64 {
        self.answers.get(&status).copied().unwrap_or_default()
    }

    /// How many of the requests that were measured succeeded in a second.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "there are some million requests"
    )]
    pub fn throughput(&self) -> f64 {
        self.latencies.len() as f64 / self.seconds
    }

    fn add(&mut self, other: Self) {
        for (status, count) in other.answers {
            *self.answers.entry(status).or_default() += count;
        }
        self.lost += other.lost;
        self.failed += other.failed;
        self.wrong += other.wrong;
        self.latencies.extend(other.latencies);
    }
}

/// Has another process of this program, which is given the argument `load`, send a load.
///
/// # Errors
/// When it cannot.
pub fn run_in_another_process(load: &Load) -> TrialResult<Vec<GroupReport>> {
    let mut process = Command::new(env::current_exe()?)
        .arg("load")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    if let Some(mut input) = process.stdin.take() {
        input.write_all(&serde_json::to_vec(load)?)?;
    }
    let output = process.wait_with_output()?;
    if !output.status.success() {
        return Err("the load could not be sent".into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// What that other process does: reads the load from standard input, and writes the reports to standard output.
///
/// # Errors
/// When the server cannot be reached.
pub fn run_load() -> TrialResult<()> {
    let load: Load = serde_json::from_reader(io::stdin().lock())?;
    let accounts = Arc::new(load.accounts);
    let running = |group: &&Group| group.until != Until::OthersEnd;
    let running = Arc::new(AtomicUsize::new(load.groups.iter().filter(running).count()));
    let connected = Arc::new(Barrier::new(load.groups.len()));
    let threads: Vec<_> = load
        .groups
        .into_iter()
        .map(|group| {
            let sender = Sender {
                address: load.address.clone(),
                accounts: Arc::clone(&accounts),
                connected: Arc::clone(&connected),
                running: Arc::clone(&running),
                group,
            };
            thread::spawn(move || sender.send_all())
        })
        .collect();
    let mut reports = Vec::new();
    for thread in threads {
        let Ok(report) = thread.join() else {
            return Err("a thread panicked while it sent a load".into());
        };
        reports.push(report?);
    }
    serde_json::to_writer(io::stdout().lock(), &reports)?;
    Ok(())
}

/// One group, and what it needs to know.
struct Sender {
    address: String,
    accounts: Arc<Accounts>,
    /// Nobody sends anything before all have connected: what is measured is what they ask for.
    connected: Arc<Barrier>,
    /// How many groups have not ended that do not wait for others.
    running: Arc<AtomicUsize>,
    group: Group,
}

impl Sender {
    fn send_all(self) -> io::Result<GroupReport> {
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let sent = runtime.block_on(self.send());
        if self.group.until != Until::OthersEnd {
            self.running.fetch_sub(1, Ordering::SeqCst);
        }
        sent
    }

    async fn send(&self) -> io::Result<GroupReport> {
        let connections = self.connect().await;
        self.connected.wait();
        let connections = connections?;
        let began = Instant::now();
        let measured_from = began + Duration::from_secs_f64(self.group.warm_up);
        let mut tasks = JoinSet::new();
        for (number, connection) in connections.into_iter().enumerate() {
            let schedule = self.schedule(number, began);
            let requests = Requests::new(self.group.operation, Arc::clone(&self.accounts), number);
            let insists = self.group.insists.then(|| Random::new(number as u64));
            tasks.spawn(send_on(
                connection,
                requests,
                schedule,
                insists,
                measured_from,
            ));
        }
        let mut report = GroupReport::default();
        while let Some(sent) = tasks.join_next().await {
            report.add(sent.map_err(io::Error::other)?);
        }
        report.seconds = measured_from.elapsed().as_secs_f64();
        Ok(report)
    }

    async fn connect(&self) -> io::Result<Vec<Connection>> {
        let mut connections = Vec::new();
        for _ in 0..self.group.connections {
            connections.push(Connection::open(&self.address).await?);
        }
        Ok(connections)
    }

    fn schedule(&self, connection: usize, began: Instant) -> Schedule {
        let Group {
            connections,
            rate,
            until,
            warm_up,
            ..
        } = self.group;
        let interval = rate.map(|rate| Duration::from_secs_f64(connections as f64 / rate));
        Schedule {
            until,
            end: match until {
                Until::Seconds(seconds) => Some(began + Duration::from_secs_f64(warm_up + seconds)),
                Until::Sent(_) | Until::OthersEnd => None,
            },
            interval,
            // Not all at the same time.
            next: began
                + interval.map_or(Duration::ZERO, |interval| {
                    interval.mul_f64(connection as f64 / connections as f64)
                }),
            running: Arc::clone(&self.running),
            sent: 0,
        }
    }
}

/// When a connection sends its requests.
struct Schedule {
    until: Until,
    end: Option<Instant>,
    interval: Option<Duration>,
    next: Instant,
    running: Arc<AtomicUsize>,
    sent: usize,
}

impl Schedule {
    /// Waits until the next request is due, and gives the instant from which on it is waited for; `None` when there is
    /// none any more.
    ///
    /// A request that could not be sent in time, since the one before had no answer yet, is waited for since it was due:
    /// whoever sends it in earnest does not wait for others.
    async fn due(&mut self) -> Option<Instant> {
        let ended = match self.until {
            Until::Seconds(_) => self.end.is_some_and(|end| Instant::now() >= end),
            Until::Sent(count) => self.sent >= count,
            Until::OthersEnd => self.running.load(Ordering::SeqCst) == 0,
        };
        if ended {
            return None;
        }
        self.sent += 1;
        let Some(interval) = self.interval else {
            return Some(Instant::now());
        };
        let due = self.next;
        self.next += interval;
        if due <= Instant::now() {
            return Some(due);
        }
        sleep_until(due).await;
        Some(Instant::now())
    }
}

async fn send_on(
    mut connection: Connection,
    mut requests: Requests,
    mut schedule: Schedule,
    mut insists: Option<Random>,
    measured_from: Instant,
) -> GroupReport {
    let mut report = GroupReport::default();
    'requests: while let Some(since) = schedule.due().await {
        let asked = requests.following();
        let answer = loop {
            let Ok(answer) = connection.send(&asked.request).await else {
                report.lost += 1;
                break 'requests;
            };
            *report.answers.entry(answer.status).or_default() += 1;
            let Some(pause) = pause(&answer, insists.as_mut()) else {
                break answer;
            };
            sleep(pause).await;
        };
        let took = since.elapsed();
        if answer.status != asked.status {
            report.failed += 1;
            continue;
        }
        if report.latencies.is_empty() && !contains(answer.body, asked.contains) {
            report.wrong += 1;
        }
        requests.answered(&answer);
        if since >= measured_from {
            report.latencies.push(took.as_secs_f64() * 1e6);
        }
    }
    report
}

/// How long whoever insists waits before it asks again; `None` where it has its answer.
fn pause(answer: &Answer<'_>, insists: Option<&mut Random>) -> Option<Duration> {
    let told = Duration::from_secs(answer.retry_after.filter(|_| answer.status == 503)?);
    let up_to_a_second = Duration::from_millis(insists?.below(1_000) as u64);
    Some(told + up_to_a_second)
}

fn contains(body: &[u8], text: &str) -> bool {
    String::from_utf8_lossy(body).contains(text)
}
