//! PostgreSQL for tests: a server that is there, or a temporary one that the tests of a process share.

use std::{
    env,
    io::Write as _,
    mem, panic, process,
    sync::{
        Mutex, Once, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    thread,
};

use diesel::{
    Connection as _, PgConnection, QueryResult, RunQueryDsl, connection::SimpleConnection,
    sql_query,
};
use tmp_postgrust::synchronous::ProcessGuard;

use crate::{Row, connect, temporary_server};

/// A database of its own on a server that others use too.
pub(crate) struct PostgresDatabase {
    name: String,
    url: String,
    server: &'static Server,
    /// Whether the next test may have it, without its rows.
    is_reusable: AtomicBool,
}

/// The server that the tests of this process share.
struct Server {
    access: Access,
    /// Databases that have the tables of the program and no rows.
    free: Mutex<Vec<String>>,
}

enum Access {
    /// `TEST_DATABASE_URL` names it.
    Given(String),
    /// It ends with this process.
    Temporary(ProcessGuard),
}

/// Words of statements after which a database may have other tables than the program makes, or refuse connections.
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
    /// `None` where tests on PostgreSQL are to be skipped.
    fn find() -> Option<&'static Self> {
        static SHARED: OnceLock<Option<Server>> = OnceLock::new();
        let server = SHARED.get_or_init(|| {
            let access = match env::var("TEST_DATABASE_URL") {
                Ok(url) => Access::Given(url),
                Err(_) => match start() {
                    Ok(process) => Access::Temporary(process),
                    Err(reason) => {
                        skip(&reason);
                        return None;
                    }
                },
            };
            let server = Server {
                access,
                free: Mutex::default(),
            };
            if let Access::Temporary(_) = server.access {
                let [folder] = server.settings(["data_directory"]);
                temporary_server::end_with_this_process(&folder);
            }
            Some(server)
        });
        server.as_ref()
    }

    /// The URL of one of the server's databases.
    fn url(&self, database: &str) -> String {
        match &self.access {
            Access::Given(url) => with_database(url, database),
            Access::Temporary(process) => {
                let url = process.connection_string_for_db(database);
                let (url, _) = url.rsplit_once("user=").expect("the URL names a user");
                format!("{url}user=postgres")
            }
        }
    }

    /// The URL of a database that is always there.
    fn maintenance_url(&self) -> String {
        match &self.access {
            Access::Given(url) => url.clone(),
            Access::Temporary(_) => self.url("postgres"),
        }
    }

    fn settings<const N: usize>(&self, names: [&str; N]) -> [String; N] {
        let mut connection = connect(&self.maintenance_url());
        names.map(|name| {
            let query = sql_query(format!("SELECT current_setting('{name}') AS text"));
            let row: Row = query.get_result(&mut connection).expect("it is a setting");
            row.text
        })
    }

    /// Runs a statement about the server's databases; one at a time, since a server was seen to hang when it dropped a
    /// database while connections to another were being terminated.
    fn execute(&self, sql: &str) {
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        let _one = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        connect(&self.maintenance_url())
            .batch_execute(sql)
            .expect("the user may make and drop databases");
    }

    fn free(&self) -> std::sync::MutexGuard<'_, Vec<String>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PostgresDatabase {
    /// An empty database.
    pub(crate) fn new() -> Option<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let server = Server::find()?;
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("todo_test_{}_{number}", process::id());
        server.execute(&format!("CREATE DATABASE {name}"));
        Some(Self::of(server, name, false))
    }

    /// An empty database, or one that has the tables of the program and no rows; the next test may have it.
    pub(crate) fn reusable() -> Option<Self> {
        let server = Server::find()?;
        let used = server.free().pop();
        if let Some(name) = used {
            return Some(Self::of(server, name, true));
        }
        let database = Self::new()?;
        database.is_reusable.store(true, Ordering::Relaxed);
        Some(database)
    }

    fn of(server: &'static Server, name: String, is_reusable: bool) -> Self {
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

    /// Ends every connection, and waits for 10 seconds at most until each has ended.
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

    /// Deletes all rows; fails where that takes more than a few seconds, or where the tables are not those of the program.
    fn clear(&self) -> QueryResult<()> {
        self.terminate_connections();
        let mut connection = PgConnection::establish(&self.url)
            .map_err(|error| diesel::result::Error::QueryBuilderError(error.into()))?;
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

impl Drop for PostgresDatabase {
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

/// Starts a temporary server.
fn start() -> Result<ProcessGuard, String> {
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
