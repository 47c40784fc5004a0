//! Clients that do as clients do, each one operation after another, and write down what became of it.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use todo_trials::{Connection, Random, Request, TrialResult};
use tokio::{
    runtime,
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::{
    journal::{Entry, Journal, Operation, Outcome},
    people::Person,
};

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a client waits that found nobody listening.
const BEFORE_CONNECTING_AGAIN: Duration = Duration::from_millis(5);
/// How often it is asked whether the server lives and can serve.
const BETWEEN_QUESTIONS: Duration = Duration::from_millis(100);

/// Where the server listens, which is another place after it was started again.
#[derive(Debug, Clone, Default)]
pub(crate) struct Target(Arc<Mutex<Arc<str>>>);

impl Target {
    /// A server that listens at `address`.
    pub(crate) fn new(address: &str) -> Self {
        let target = Self::default();
        target.set(address);
        target
    }

    /// From now on, it listens at `address`.
    pub(crate) fn set(&self, address: &str) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Arc::from(address);
    }

    fn get(&self) -> Arc<str> {
        Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// How many clients there are, and of which kind.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Crew {
    /// Those that make, toggle and delete tasks.
    pub(crate) writers: usize,
    /// Those that read pages of tasks.
    pub(crate) readers: usize,
    /// Whether two more ask for `/health/live` and `/health/ready` all the while.
    pub(crate) asks_for_health: bool,
    /// Whether every task that is made is deleted in the end, and not only every fourth.
    pub(crate) tidies_up: bool,
    /// How long a client waits after an answer.
    pub(crate) pause: Duration,
    /// How long a client waits at least that was told to come back later: one second, by `Retry-After`. It may wait up to
    /// twice as long, so that not all of them come back at once.
    pub(crate) pause_when_refused: Duration,
}

/// Clients at work.
#[derive(Debug)]
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<TrialResult<Journal>>,
}

impl Load {
    /// Has clients work for these people until it is finished. `name` is that of no other load on this database.
    pub(crate) fn start(name: &str, target: &Target, people: &[Person], crew: Crew) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let token_of = |number: usize| {
            let person = people.get(number % people.len().max(1));
            person.map_or_else(String::new, |person| person.token.clone())
        };
        let client = |number: usize| Client {
            name: format!("{name}-{number}"),
            token: token_of(number),
            target: target.clone(),
            connection: None,
            crew,
            stop: Arc::clone(&stop),
            random: Random::new(number as u64),
            entries: Vec::new(),
        };
        let writers: Vec<_> = (0..crew.writers).map(client).collect();
        let readers: Vec<_> = (0..crew.readers).map(client).collect();
        let questions = crew.asks_for_health.then(|| [client(0), client(1)]);
        let thread = thread::spawn(move || {
            let runtime = runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            runtime.block_on(async {
                let mut clients = JoinSet::new();
                for writer in writers {
                    clients.spawn(writer.write_all());
                }
                for reader in readers {
                    clients.spawn(reader.read_all());
                }
                if let Some([live, ready]) = questions {
                    clients.spawn(live.ask_all(Operation::Live, "/health/live"));
                    clients.spawn(ready.ask_all(Operation::Ready, "/health/ready"));
                }
                let mut journal = Journal::default();
                while let Some(entries) = clients.join_next().await {
                    journal.entries.extend(entries?);
                }
                Ok(journal)
            })
        });
        Self { stop, thread }
    }

    /// Lets the clients end what they are at, and gives what they wrote down.
    pub(crate) fn finish(self) -> TrialResult<Journal> {
        self.stop.store(true, Ordering::SeqCst);
        match self.thread.join() {
            Ok(journal) => journal,
            Err(_) => Err("the load panicked".into()),
        }
    }
}

/// One client.
struct Client {
    name: String,
    token: String,
    target: Target,
    connection: Option<Connection>,
    crew: Crew,
    stop: Arc<AtomicBool>,
    random: Random,
    entries: Vec<Entry>,
}

impl Client {
    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }

    async fn write_all(mut self) -> Vec<Entry> {
        let mut number = 0_u64;
        while !self.is_stopped() {
            number += 1;
            let title = format!("{}-{number}", self.name);
            let Some(id) = self.create(&title, number.is_multiple_of(2)).await else {
                continue;
            };
            let path = format!("/api/tasks/{id}");
            if number.is_multiple_of(3) {
                let toggle = Request::new("PATCH", &format!("{path}/complete"));
                self.perform(Operation::Toggle, &title, toggle).await;
            }
            if self.crew.tidies_up || number.is_multiple_of(4) {
                let delete = Request::new("DELETE", &path);
                self.perform(Operation::Delete, &title, delete).await;
            }
        }
        self.entries
    }

    /// Makes a task, and gives its id when that is acknowledged. With a key, it asks again until it is known whether the
    /// task was made.
    async fn create(&mut self, title: &str, with_key: bool) -> Option<String> {
        let body = json!({"title": title}).to_string();
        let mut request = Request::new("POST", "/api/tasks").json(&body);
        if with_key {
            request = request.header("Idempotency-Key", &format!("\"{title}\""));
        }
        let mut is_begun = false;
        loop {
            let answer = self
                .perform(Operation::Create, title, request.clone())
                .await;
            match answer {
                Some((201, body)) => {
                    let id = body.get("id").and_then(Value::as_str);
                    return id.map(str::to_owned);
                }
                Some((status, body)) if !is_unknown(status, &body) && !is_begun => return None,
                _ if !with_key || self.is_stopped() => return None,
                // Asked once more, and again, until it is known.
                _ => is_begun = true,
            }
        }
    }

    async fn read_all(mut self) -> Vec<Entry> {
        while !self.is_stopped() {
            let page = Request::new("GET", "/api/tasks?limit=20");
            self.perform(Operation::Read, "", page).await;
        }
        self.entries
    }

    async fn ask_all(mut self, operation: Operation, path: &str) -> Vec<Entry> {
        while !self.is_stopped() {
            self.perform(operation, "", Request::new("GET", path)).await;
            sleep(BETWEEN_QUESTIONS).await;
        }
        self.entries
    }

    /// Sends a request, writes down what became of it, and gives the answer if one came.
    async fn perform(
        &mut self,
        operation: Operation,
        title: &str,
        request: Request,
    ) -> Option<(u16, Value)> {
        let request = request.bearer(&self.token);
        let sent = Instant::now();
        let answer = match self.connection.take() {
            Some(connection) => Some(connection),
            None => Connection::open(&self.target.get()).await.ok(),
        };
        let (outcome, answer) = match answer {
            None => (Outcome::NotSent, None),
            Some(connection) => match timeout(PATIENCE, self.send(connection, &request)).await {
                Ok(Some((status, body))) => (outcome(status, &body), Some((status, body))),
                Ok(None) | Err(_) => (Outcome::Unknown, None),
            },
        };
        self.entries.push(Entry {
            operation,
            title: title.to_owned(),
            outcome,
            status: answer.as_ref().map(|(status, _)| *status),
            sent,
            took: sent.elapsed(),
        });
        let is_refused = matches!(answer, Some((503 | 507, _)));
        if outcome == Outcome::NotSent {
            sleep(BEFORE_CONNECTING_AGAIN).await;
        } else if is_refused && !self.crew.pause_when_refused.is_zero() {
            let share = self.random.below(1_000) as f64 / 1e3;
            sleep(self.crew.pause_when_refused.mul_f64(1.0 + share)).await;
        } else if !self.crew.pause.is_zero() {
            sleep(self.crew.pause).await;
        }
        answer
    }

    async fn send(
        &mut self,
        mut connection: Connection,
        request: &Request,
    ) -> Option<(u16, Value)> {
        let answer = connection.send(request).await.ok()?;
        let (status, is_last) = (answer.status, answer.is_last);
        // Pages of tasks are not looked into.
        let body = match status {
            200 | 204 => Value::Null,
            _ => answer.json().unwrap_or_default(),
        };
        self.connection = (!is_last).then_some(connection);
        Some((status, body))
    }
}

/// Whether the answer says that nobody knows whether the change was made.
fn is_unknown(status: u16, body: &Value) -> bool {
    let code = body.get("code").and_then(Value::as_str);
    // An answer that says nothing of it, such as a 500, is no better.
    status >= 500
        && !matches!(
            code,
            Some("storage_unavailable" | "overloaded" | "storage_full")
        )
}

fn outcome(status: u16, body: &Value) -> Outcome {
    match status {
        200..300 => Outcome::Acknowledged,
        _ if is_unknown(status, body) => Outcome::Unknown,
        _ => Outcome::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_answer_that_says_so_is_a_failure() {
        let said = |status, code| outcome(status, &json!({"code": code}));
        assert_eq!(said(201, ""), Outcome::Acknowledged);
        assert_eq!(said(503, "overloaded"), Outcome::Failed);
        assert_eq!(said(507, "storage_full"), Outcome::Failed);
        assert_eq!(said(503, "outcome_unknown"), Outcome::Unknown);
        assert_eq!(said(500, "internal"), Outcome::Unknown);
        assert_eq!(said(404, "task_not_found"), Outcome::Failed);
    }
}
