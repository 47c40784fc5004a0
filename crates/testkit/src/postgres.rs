//! PostgreSQL for tests: a server that is there, or a temporary one that the tests of a process share.

use std::{
    env,
    io::Write as _,
    panic, process,
    sync::{
        Arc, Mutex, Once, PoisonError, Weak,
        atomic::{AtomicU32, Ordering},
    },
    thread,
};

use diesel::{PgConnection, connection::SimpleConnection};
use tmp_postgrust::synchronous::ProcessGuard;

use crate::connect;

/// A database of its own on a server that others use too.
pub(crate) struct PostgresDatabase {
    name: String,
    url: String,
    server: Server,
}

#[derive(Clone)]
enum Server {
    /// One that `TEST_DATABASE_URL` names.
    Given(String),
    /// One that goes with the last test that uses it.
    Temporary(Arc<ProcessGuard>),
}

impl Server {
    fn find() -> Option<Self> {
        if let Ok(url) = env::var("TEST_DATABASE_URL") {
            return Some(Self::Given(url));
        }
        match temporary() {
            Ok(process) => Some(Self::Temporary(process)),
            Err(reason) => {
                skip(&reason);
                None
            }
        }
    }

    /// The URL of one of the server's databases.
    fn url(&self, database: &str) -> String {
        match self {
            Self::Given(url) => with_database(url, database),
            Self::Temporary(process) => {
                let url = process.connection_string_for_db(database);
                let (url, _) = url.rsplit_once("user=").expect("the URL names a user");
                format!("{url}user=postgres")
            }
        }
    }

    /// Runs a statement about the server's databases; one at a time, since a server was seen to hang when it dropped a
    /// database while connections to another were being terminated.
    fn execute(&self, sql: &str) {
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        let _one = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let url = match self {
            Self::Given(url) => url.clone(),
            Self::Temporary(_) => self.url("postgres"),
        };
        connect(&url)
            .batch_execute(sql)
            .expect("the user may make and drop databases");
    }
}

impl PostgresDatabase {
    pub(crate) fn new() -> Option<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let server = Server::find()?;
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("todo_test_{}_{number}", process::id());
        server.execute(&format!("CREATE DATABASE {name}"));
        let url = server.url(&name);
        Some(Self { name, url, server })
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn connection(&self) -> PgConnection {
        connect(&self.url)
    }

    /// Ends every connection, and waits for 10 seconds at most until each has ended.
    pub(crate) fn terminate_connections(&self) {
        let name = &self.name;
        self.server.execute(&format!(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = '{name}'"
        ));
    }

    pub(crate) fn accept_connections(&self, accept: bool) {
        let name = &self.name;
        self.server
            .execute(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS {accept}"));
    }
}

impl Drop for PostgresDatabase {
    fn drop(&mut self) {
        let name = &self.name;
        self.server
            .execute(&format!("DROP DATABASE {name} WITH (FORCE)"));
    }
}

/// The temporary server of this process, started when nobody uses one.
fn temporary() -> Result<Arc<ProcessGuard>, String> {
    static SHARED: Mutex<Weak<ProcessGuard>> = Mutex::new(Weak::new());
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(process) = shared.upgrade() {
        return Ok(process);
    }
    // The library panics where it finds no PostgreSQL programs.
    let mut process = panic::catch_unwind(tmp_postgrust::new_default_process)
        .map_err(|reason| match reason.downcast_ref::<String>() {
            Some(reason) => reason.clone(),
            None => "PostgreSQL cannot be started".to_owned(),
        })?
        .map_err(|error| error.to_string())?;
    // A log that nobody reads would fill its pipe, and then the server waits for ever.
    if let Some(log) = process.stderr_reader.take() {
        thread::spawn(move || log.for_each(drop));
    }
    let process = Arc::new(process);
    *shared = Arc::downgrade(&process);
    Ok(process)
}

/// Says once that the tests on PostgreSQL are skipped, past the capturing of the test runner.
fn skip(reason: &str) {
    static SAID: Once = Once::new();
    assert!(
        env::var("CI").as_deref() != Ok("true"),
        "the tests on PostgreSQL cannot run, and CI=true allows no skipping: {reason}"
    );
    SAID.call_once(|| {
        let message = format!(
            "\nSKIPPED: every test on PostgreSQL. Install PostgreSQL's programs or set TEST_DATABASE_URL.\n\
             The reason: {reason}\n\n"
        );
        std::io::stderr()
            .write_all(message.as_bytes())
            .expect("standard error can be written");
    });
}

/// The same URL with another database.
fn with_database(url: &str, database: &str) -> String {
    let (place, parameters) = match url.split_once('?') {
        Some((place, parameters)) => (place, format!("?{parameters}")),
        None => (url, String::new()),
    };
    let (scheme, rest) = place
        .split_once("://")
        .expect("TEST_DATABASE_URL begins with postgres://");
    let host = rest.split('/').next().unwrap_or_default();
    format!("{scheme}://{host}/{database}{parameters}")
}
