//! A server to test, and clients to test it with.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, ChildStderr, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tempfile::TempDir;
use todo_testkit::{Kind, TestDatabase};
use ureq::{Agent, http};

pub(crate) const PASSWORD: &str = "correct horse";

/// Who reads the log of a server.
#[derive(Clone, Copy)]
enum LogReader {
    Us,
    /// It is open, and fills.
    Nobody,
}

/// The real program, serving a database of its own. It is ended when it is dropped.
pub(crate) struct Server {
    process: Child,
    address: String,
    /// Where its metrics are, if they are served.
    metrics_address: Option<String>,
    log: Arc<Mutex<String>>,
    /// What reads the log, until its end.
    log_reader: Option<thread::JoinHandle<()>>,
    // Dropped in this order, after the process has ended.
    pub(crate) database: Option<Arc<TestDatabase>>,
    disk: Option<PathBuf>,
    folders: Vec<TempDir>,
}

impl Server {
    /// `None` when tests on this kind are to be skipped.
    pub(crate) fn start(kind: Kind) -> Option<Self> {
        Self::with(kind, &[])
    }

    /// A server with these variables besides those that make it fit for tests.
    pub(crate) fn with(kind: Kind, variables: &[(&str, &str)]) -> Option<Self> {
        let database = Arc::new(TestDatabase::reusable(kind)?);
        Some(Self::on(&database, variables))
    }

    /// Another instance on the same database.
    pub(crate) fn on(database: &Arc<TestDatabase>, variables: &[(&str, &str)]) -> Self {
        let mut server = Self::spawn(&database.url(), variables);
        server.database = Some(Arc::clone(database));
        server
    }

    /// A server whose database is at this URL, and is none of its own.
    pub(crate) fn at(database_url: &str, variables: &[(&str, &str)]) -> Self {
        Self::spawn(database_url, variables)
    }

    /// A server whose log is a pipe that nobody reads.
    pub(crate) fn with_unread_log(kind: Kind, variables: &[(&str, &str)]) -> Option<Self> {
        let database = Arc::new(TestDatabase::reusable(kind)?);
        let program = Command::new(env!("CARGO_BIN_EXE_todo-server"));
        let mut server =
            Self::start_program(program, &database.url(), variables, LogReader::Nobody);
        server.database = Some(database);
        Some(server)
    }

    /// A server with an SQLite file on a disk of its own, which has so many KiB; `None` where none can be mounted.
    #[cfg(target_os = "linux")]
    pub(crate) fn on_small_disk(kibibytes: u32) -> Option<Self> {
        let place = TempDir::new().unwrap();
        if !on_own_disk(place.path(), kibibytes, "true")
            .status()
            .is_ok_and(|status| status.success())
        {
            let message = "\nSKIPPED: a test on a full disk, since none can be mounted here.\n\n";
            std::io::stderr().write_all(message.as_bytes()).unwrap();
            return None;
        }
        let url = format!("sqlite://{}/todo.db", place.path().display());
        let program = on_own_disk(place.path(), kibibytes, env!("CARGO_BIN_EXE_todo-server"));
        let mut server = Self::start_program(program, &url, &[], LogReader::Us);
        // Only the process sees what is mounted there.
        let seen = format!("/proc/{}/root", server.process_id());
        let inner = place.path().strip_prefix("/").unwrap();
        server.disk = Some(Path::new(&seen).join(inner));
        server.folders.push(place);
        Some(server)
    }

    /// The folder on the [small disk](Self::on_small_disk).
    #[cfg(target_os = "linux")]
    pub(crate) fn disk(&self) -> &Path {
        self.disk.as_deref().unwrap()
    }

    fn spawn(database_url: &str, variables: &[(&str, &str)]) -> Self {
        let program = Command::new(env!("CARGO_BIN_EXE_todo-server"));
        Self::start_program(program, database_url, variables, LogReader::Us)
    }

    fn start_program(
        mut program: Command,
        database_url: &str,
        variables: &[(&str, &str)],
        log_reader: LogReader,
    ) -> Self {
        let folder = TempDir::new().unwrap();
        let mut process = program
            .env_clear()
            .current_dir(&folder)
            .env("DATABASE_URL", database_url)
            .env("LISTEN", "127.0.0.1:0")
            .env("JWT_SECRET", "a secret of no less than 32 bytes")
            // The cheapest hash there is: these tests log in hundreds of times.
            .env("ARGON2_MEMORY_KIB", "8")
            .env("ARGON2_ITERATIONS", "1")
            // Patience for a machine that is busy with other tests.
            .env("REQUEST_DEADLINE_SECONDS", "60")
            // Tests make many requests from one address.
            .env("REQUESTS_PER_MINUTE_PER_ADDRESS", "0")
            .env("REQUESTS_PER_MINUTE_PER_USER", "0")
            // Tests log in many times to one account.
            .env("LOGINS_PER_MINUTE_PER_ACCOUNT", "0")
            .env("REFRESHES_PER_MINUTE_PER_SESSION", "0")
            .env("SESSIONS_PER_USER", "1000000")
            .env("CONNECTIONS_PER_ADDRESS", "0")
            .envs(variables.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let log_reader = matches!(log_reader, LogReader::Us).then(|| {
            let mut stderr = process.stderr.take().unwrap();
            let written = Arc::clone(&log);
            thread::spawn(move || {
                let mut chunk = [0; 4096];
                while let Ok(1..) = stderr.read(&mut chunk).inspect(|&length| {
                    let text = String::from_utf8_lossy(&chunk[..length]);
                    written.lock().unwrap().push_str(&text);
                }) {}
            })
        });
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let address = lines
            .find_map(|line| {
                line.unwrap()
                    .strip_prefix("Listening on http://")
                    .map(str::to_owned)
            })
            .unwrap_or_else(|| panic!("it does not listen: {}", log.lock().unwrap()));
        let has_metrics = variables.iter().any(|(name, _)| *name == "METRICS_LISTEN");
        let metrics_address = has_metrics.then(|| {
            let mut addresses = lines.filter_map(|line| {
                let line = line.unwrap();
                let rest = line.strip_prefix("Metrics      http://")?;
                rest.strip_suffix("/metrics").map(str::to_owned)
            });
            addresses.next().unwrap()
        });
        Self {
            process,
            address,
            metrics_address,
            log,
            log_reader,
            database: None,
            disk: None,
            folders: vec![folder],
        }
    }

    /// Someone who has no account yet.
    pub(crate) fn client(&self) -> Client {
        Self::client_of(&self.address)
    }

    /// Someone who looks at the metrics, where these are served.
    pub(crate) fn scraper(&self) -> Client {
        Self::client_of(self.metrics_address.as_deref().unwrap())
    }

    fn client_of(address: &str) -> Client {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(Some(Duration::from_mins(1)))
            .build();
        Client {
            address: address.to_owned(),
            agent: config.into(),
            token: None,
            id: String::new(),
        }
    }

    /// Someone who has just registered.
    pub(crate) fn user(&self, email: &str) -> Client {
        let mut client = self.client();
        let body = json!({"email": email, "password": PASSWORD, "name": "Ada"});
        let answer = client.post("/api/auth/register", &body);
        assert_eq!(answer.status, 201, "{answer:?}");
        client.sign_in(&answer);
        client
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn process_id(&self) -> u32 {
        self.process.id()
    }

    /// Ends the process as a loss of power would.
    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Waits for the process to end, and for all that it has logged.
    pub(crate) fn wait(&mut self) -> std::process::ExitStatus {
        let began = Instant::now();
        let status = loop {
            if let Some(status) = self.process.try_wait().unwrap() {
                break status;
            }
            assert!(began.elapsed() < Duration::from_mins(2), "it does not end");
            thread::sleep(Duration::from_millis(10));
        };
        if let Some(reader) = self.log_reader.take() {
            reader.join().unwrap();
        }
        status
    }

    /// The log of a server [that nobody reads](Self::with_unread_log), for reading it.
    pub(crate) fn take_log(&mut self) -> ChildStderr {
        self.process.stderr.take().unwrap()
    }

    /// The tokens in mails to an address that were written to the log so far, which begin with `prefix`.
    pub(crate) fn mailed_tokens(&self, to: &str, prefix: &str) -> Vec<String> {
        let is_in_token = |c: char| c.is_ascii_alphanumeric() || c == '_';
        self.mails(to)
            .iter()
            .filter_map(|mail| {
                let token = mail.get(mail.find(prefix)?..)?;
                Some(token.split(|c| !is_in_token(c)).next()?.to_owned())
            })
            .collect()
    }

    /// The token of the only mail to an address whose token begins with `prefix`, as soon as it is sent.
    pub(crate) fn mailed_token(&self, to: &str, prefix: &str) -> String {
        eventually("a mail", || !self.mailed_tokens(to, prefix).is_empty());
        let tokens = self.mailed_tokens(to, prefix);
        assert_eq!(tokens.len(), 1, "{tokens:?}");
        tokens.into_iter().next().unwrap()
    }

    /// The mails to an address that were written to the log so far, each as one line.
    pub(crate) fn mails(&self, to: &str) -> Vec<String> {
        let marks = ["mail not sent", &format!("to={to}")];
        let log = without_colours(&self.log());
        log.lines()
            .filter(|line| marks.iter().all(|mark| line.contains(mark)))
            .map(str::to_owned)
            .collect()
    }

    /// Waits until the log has everything that was logged before this call: lines are written in order.
    pub(crate) fn complete_log(&self) {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let marker = format!("marker-{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let headers = [("x-request-id", marker.as_str())];
        self.client().send("GET", "/marker", &headers, &[]);
        eventually("the line of a request", || self.log().contains(&marker));
    }

    /// What was written to the log so far.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.process.kill());
        self.process.wait().unwrap();
    }
}

/// A command that runs `program` with a disk of its own mounted at `place`, which nobody else sees and which goes when
/// the program ends.
#[cfg(target_os = "linux")]
fn on_own_disk(place: &Path, kibibytes: u32, program: &str) -> Command {
    let script = r#"mount -t tmpfs -o size="$1"k,mode=700 none "$2" && exec "$3""#;
    let mut command = Command::new("/usr/bin/unshare");
    command
        .args(["--user", "--map-root-user", "--mount"])
        .args(["/bin/sh", "-c", script, "sh"])
        .arg(kibibytes.to_string())
        .arg(place)
        .arg(program)
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .stderr(Stdio::null());
    command
}

/// Someone who sends requests, with a token or without.
#[derive(Clone)]
pub(crate) struct Client {
    address: String,
    agent: Agent,
    pub(crate) token: Option<String>,
    /// The id of the user.
    pub(crate) id: String,
}

impl Client {
    pub(crate) fn sign_in(&mut self, answer: &Answer) {
        let body = answer.json();
        self.token = Some(body["token"].as_str().unwrap().to_owned());
        body["user"]["id"]
            .as_str()
            .unwrap()
            .clone_into(&mut self.id);
    }

    /// The same with another token.
    pub(crate) fn with_token(&self, token: &str) -> Self {
        Self {
            token: Some(token.to_owned()),
            ..self.clone()
        }
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], &[])
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        self.send_json("POST", path, body)
    }

    pub(crate) fn put(&self, path: &str, body: &Value) -> Answer {
        self.send_json("PUT", path, body)
    }

    pub(crate) fn patch(&self, path: &str, body: &Value) -> Answer {
        self.send_json("PATCH", path, body)
    }

    /// PATCH without a body.
    pub(crate) fn toggle(&self, path: &str) -> Answer {
        self.send("PATCH", path, &[], &[])
    }

    pub(crate) fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, &[], &[])
    }

    /// Creates a task and gives it.
    pub(crate) fn task(&self, title: &str) -> Value {
        let answer = self.post("/api/tasks", &json!({"title": title}));
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.json()
    }

    /// Creates a task and gives its path.
    pub(crate) fn task_path(&self, title: &str) -> String {
        format!("/api/tasks/{}", self.task(title)["id"].as_str().unwrap())
    }

    pub(crate) fn send_json(&self, method: &str, path: &str, body: &Value) -> Answer {
        let headers = [("content-type", "application/json")];
        self.send(method, path, &headers, body.to_string().as_bytes())
    }

    /// Sends anything.
    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        let uri = format!("http://{}{path}", self.address);
        let mut request = http::Request::builder().method(method).uri(uri);
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = if body.is_empty() {
            self.agent.run(request.body(()).unwrap())
        } else {
            let request = request.body(body).unwrap();
            let request = self
                .agent
                .configure_request(request)
                .allow_non_standard_methods(true)
                .build();
            self.agent.run(request)
        };
        let mut response = response.unwrap_or_else(|error| panic!("{method} {path}: {error}"));
        Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: response.body_mut().read_to_vec().unwrap(),
        }
    }
}

/// What a request was answered with.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.body)))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The code of a problem, which must be one in every respect.
    pub(crate) fn code(&self) -> String {
        let problem = self.json();
        assert_eq!(
            self.header("content-type"),
            Some("application/problem+json")
        );
        assert_eq!(problem["status"], self.status, "{problem}");
        assert_eq!(problem["type"], "about:blank", "{problem}");
        assert_eq!(problem["request_id"], self.header("x-request-id").unwrap());
        for member in ["title", "detail", "code"] {
            assert!(problem[member].is_string(), "{problem}");
        }
        problem["code"].as_str().unwrap().to_owned()
    }

    /// The `detail` of a problem.
    pub(crate) fn detail(&self) -> String {
        self.code();
        self.json()["detail"].as_str().unwrap().to_owned()
    }

    /// The fields that a 422 names.
    pub(crate) fn invalid_fields(&self) -> Vec<String> {
        assert_eq!(self.status, 422, "{}", String::from_utf8_lossy(&self.body));
        assert_eq!(self.code(), "validation_failed");
        let problem = self.json();
        let errors = problem["errors"].as_array().unwrap();
        errors
            .iter()
            .map(|error| {
                assert!(!error["message"].as_str().unwrap().is_empty());
                error["field"].as_str().unwrap().to_owned()
            })
            .collect()
    }
}

/// Sends bytes as they are, and gives everything that comes back until the server closes the connection or is silent.
pub(crate) fn send_raw(address: &str, bytes: &[u8], patience: Duration) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(patience)).unwrap();
    stream.write_all(bytes).unwrap();
    let mut answer = Vec::new();
    let mut chunk = [0; 4096];
    while let Ok(length @ 1..) = stream.read(&mut chunk) {
        answer.extend_from_slice(&chunk[..length]);
    }
    String::from_utf8_lossy(&answer).into_owned()
}

/// The same text without the escape sequences that colour it.
pub(crate) fn without_colours(text: &str) -> String {
    let mut parts = text.split('\u{1b}');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        plain.push_str(part.split_once('m').map_or("", |(_, rest)| rest));
    }
    plain
}

/// Waits until `condition` holds.
pub(crate) fn eventually(what: &str, condition: impl Fn() -> bool) {
    let began = Instant::now();
    while !condition() {
        assert!(began.elapsed() < Duration::from_secs(30), "never: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}
