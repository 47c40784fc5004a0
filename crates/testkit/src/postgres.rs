//! Databases on PostgreSQL for tests: on an existing server, or on a temporary one that the tests of a process share.

use std::{
    env,
    io::Write as _,
    process,
    sync::{
        Arc, Mutex, Once, PoisonError, Weak,
        atomic::{AtomicU32, Ordering},
    },
};

use diesel::{PgConnection, connection::SimpleConnection};

use crate::{PostgresServer, server::ServerResult, sql::connect};

/// A database that is dropped with this value.
pub(crate) struct OwnDatabase {
    name: String,
    url: String,
    server: Server,
}

#[derive(Clone)]
enum Server {
    /// The server of `TEST_DATABASE_URL`.
    Given(String),
    /// A server that is removed with the last test that uses it.
    Temporary(Arc<PostgresServer>),
}

impl Server {
    fn find() -> Option<Self> {
        if let Ok(url) = env::var("TEST_DATABASE_URL") {
            return Some(Self::Given(url));
        }
        match temporary() {
            Ok(server) => Some(Self::Temporary(server)),
            Err(reason) => {
                skip(&reason.to_string());
                None
            }
        }
    }

    /// The URL of a database of the server.
    fn url(&self, database: &str) -> String {
        match self {
            Self::Given(url) => with_database(url, database),
            Self::Temporary(server) => server.database(database).url(),
        }
    }

    /// Runs a statement about databases; one at a time, since a server was seen to hang when it dropped a database while
    /// connections to another were being terminated.
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

impl OwnDatabase {
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

    /// Terminates every connection, and waits for up to 10 seconds until each has ended.
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

impl Drop for OwnDatabase {
    fn drop(&mut self) {
        let name = &self.name;
        self.server
            .execute(&format!("DROP DATABASE {name} WITH (FORCE)"));
    }
}

/// The temporary server of this process, which is started if there is none.
fn temporary() -> ServerResult<Arc<PostgresServer>> {
    static SHARED: Mutex<Weak<PostgresServer>> = Mutex::new(Weak::new());
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(server) = shared.upgrade() {
        return Ok(server);
    }
    let server = Arc::new(PostgresServer::start_without_sync()?);
    *shared = Arc::downgrade(&server);
    Ok(server)
}

/// Prints once that the tests on PostgreSQL are skipped, bypassing the capture of the test runner.
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
