//! Databases on PostgreSQL for tests: on an existing server, or on a temporary one that the tests of a process share.

use std::{
    env,
    io::Write as _,
    mem, process,
    sync::{
        Mutex, MutexGuard, Once, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    thread,
};

use diesel::{
    Connection as _, PgConnection, QueryResult, connection::SimpleConnection, result::Error,
};

use crate::{PostgresServer, temporary_server};

/// A database that is dropped with this value, or cleared for the next test.
pub(crate) struct OwnDatabase {
    name: String,
    url: String,
    server: &'static Server,
    is_reusable: AtomicBool,
}

/// The server that the tests of this process share.
struct Server {
    access: Access,
    /// Databases that have the tables of the program and no rows.
    free: Mutex<Vec<String>>,
}

enum Access {
    /// The server of `TEST_DATABASE_URL`.
    Given(String),
    /// A server that ends with this process.
    Temporary(Box<PostgresServer>),
}

/// Words of statements after which a database may have other tables than the program creates.
const CHANGES_TABLES: [&str; 7] = [
    "alter",
    "create",
    "drop",
    "grant",
    "reindex",
    "revoke",
    "__diesel_schema_migrations",
];

impl Server {
    /// `None` if tests on PostgreSQL are to be skipped.
    fn find() -> Option<&'static Self> {
        static SHARED: OnceLock<Option<Server>> = OnceLock::new();
        let start = || {
            let access = match env::var("TEST_DATABASE_URL") {
                Ok(url) => Access::Given(url),
                Err(_) => match PostgresServer::start_without_sync() {
                    Ok(server) => {
                        temporary_server::end_with_this_process(&server);
                        Access::Temporary(Box::new(server))
                    }
                    Err(reason) => {
                        skip(&reason.to_string());
                        return None;
                    }
                },
            };
            Some(Server {
                access,
                free: Mutex::default(),
            })
        };
        SHARED.get_or_init(start).as_ref()
    }

    /// The URL of a database of the server.
    fn url(&self, database: &str) -> String {
        match &self.access {
            Access::Given(url) => with_database(url, database),
            Access::Temporary(server) => server.database(database).url(),
        }
    }

    /// Runs a statement about databases; one at a time, since a server was seen to hang when it dropped a database while
    /// connections to another were being terminated.
    fn execute(&self, sql: &str) {
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        let _one = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let url = match &self.access {
            Access::Given(url) => url.clone(),
            Access::Temporary(_) => self.url("postgres"),
        };
        connect(&url)
            .batch_execute(sql)
            .expect("the user may make and drop databases");
    }

    fn free(&self) -> MutexGuard<'_, Vec<String>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OwnDatabase {
    /// An empty database.
    pub(crate) fn new() -> Option<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let server = Server::find()?;
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("todo_test_{}_{number}", process::id());
        server.execute(&format!("CREATE DATABASE {name}"));
        Some(Self::with_name(server, name, false))
    }

    /// An empty database, or one that has the tables of the program and no rows; the next test may get it.
    pub(crate) fn reusable() -> Option<Self> {
        let server = Server::find()?;
        let used = server.free().pop();
        if let Some(name) = used {
            return Some(Self::with_name(server, name, true));
        }
        let database = Self::new()?;
        database.is_reusable.store(true, Ordering::Relaxed);
        Some(database)
    }

    fn with_name(server: &'static Server, name: String, is_reusable: bool) -> Self {
        Self {
            url: server.url(&name),
            name,
            server,
            is_reusable: AtomicBool::new(is_reusable),
        }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn connection(&self) -> PgConnection {
        connect(&self.url)
    }

    /// Runs SQL.
    pub(crate) fn execute(&self, sql: &str) -> QueryResult<()> {
        let lower_case = sql.to_lowercase();
        if CHANGES_TABLES.iter().any(|word| lower_case.contains(word)) {
            self.is_reusable.store(false, Ordering::Relaxed);
        }
        self.connection().batch_execute(sql)
    }

    /// Terminates every connection, and waits for up to 10 seconds until each has ended.
    pub(crate) fn terminate_connections(&self) {
        let name = &self.name;
        self.server.execute(&format!(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = '{name}'"
        ));
    }

    pub(crate) fn accept_connections(&self, accept: bool) {
        self.is_reusable.store(false, Ordering::Relaxed);
        let name = &self.name;
        self.server
            .execute(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS {accept}"));
    }

    /// Deletes all rows; fails if the tables are not those of the program.
    fn clear(&self) -> QueryResult<()> {
        self.terminate_connections();
        let mut connection = PgConnection::establish(&self.url)
            .map_err(|error| Error::QueryBuilderError(error.into()))?;
        connection.batch_execute(
            "SET lock_timeout = '5s';
             DO $$ BEGIN EXECUTE (
                 SELECT 'TRUNCATE ' || string_agg(quote_ident(tablename), ', ')
                 FROM pg_tables WHERE schemaname = 'public' AND tablename <> '__diesel_schema_migrations'
                 HAVING bool_or(tablename = 'users')
             ); END $$",
        )
    }
}

impl Drop for OwnDatabase {
    fn drop(&mut self) {
        if self.is_reusable.load(Ordering::Relaxed) && !thread::panicking() && self.clear().is_ok()
        {
            self.server.free().push(mem::take(&mut self.name));
        } else {
            let name = &self.name;
            self.server
                .execute(&format!("DROP DATABASE {name} WITH (FORCE)"));
        }
    }
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

fn connect(url: &str) -> PgConnection {
    PgConnection::establish(url).expect("PostgreSQL accepts a connection")
}
