//! Databases for the tests of the workspace: each test gets an empty one of its own, and nothing is left behind.
//!
//! PostgreSQL is the server that `TEST_DATABASE_URL` names, or else a temporary one, made of the PostgreSQL programs of
//! the machine. Where there are none, a test on PostgreSQL is skipped, which is said on standard error even though the
//! test runner captures output; with `CI=true` it fails.

#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    clippy::panic,
    reason = "this crate is part of the tests, which fail by panicking"
)]

mod pooler;
mod postgres;
mod temporary_server;

use std::{fmt, path::Path};

use diesel::{
    Connection, PgConnection, QueryableByName, RunQueryDsl, SqliteConnection,
    connection::SimpleConnection,
    sql_query,
    sql_types::{Nullable, Text},
};
use tempfile::TempDir;

pub use pooler::{Certificates, Pooler};
use postgres::PostgresDatabase;

/// The two kinds of database that every test of storage runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// SQLite, in a temporary folder: in memory, where Linux has one there, so that no test waits for a disk.
    Sqlite,
    /// PostgreSQL.
    Postgres,
}

/// An empty database that goes when it is dropped.
pub struct TestDatabase(Inner);

impl fmt::Debug for TestDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TestDatabase").field(&self.url()).finish()
    }
}

/// A transaction that is open, with the locks that it holds.
pub struct OpenTransaction(
    #[expect(dead_code, reason = "it is open until it is dropped")] PgConnection,
);

impl fmt::Debug for OpenTransaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenTransaction").finish_non_exhaustive()
    }
}

enum Inner {
    Sqlite(TempDir),
    Postgres(PostgresDatabase),
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    text: String,
}

#[derive(QueryableByName)]
struct Value {
    #[diesel(sql_type = Nullable<Text>)]
    value: Option<String>,
}

impl TestDatabase {
    /// Makes a database; `None` when tests on this kind are to be skipped.
    #[must_use]
    pub fn new(kind: Kind) -> Option<Self> {
        match kind {
            Kind::Sqlite => {
                let in_memory = TempDir::new_in("/dev/shm");
                let folder = in_memory.or_else(|_| TempDir::new());
                let folder = folder.expect("a temporary folder can be made");
                Some(Self(Inner::Sqlite(folder)))
            }
            Kind::Postgres => {
                PostgresDatabase::new().map(|database| Self(Inner::Postgres(database)))
            }
        }
    }

    /// Makes a database that is empty, or has the tables of the program and no rows; `None` when tests on this kind are to
    /// be skipped. PostgreSQL takes much longer to make a database than to clear one, so the next test gets the same,
    /// unless this one changed its tables by [`execute`](Self::execute).
    #[must_use]
    pub fn reusable(kind: Kind) -> Option<Self> {
        match kind {
            Kind::Sqlite => Self::new(kind),
            Kind::Postgres => {
                PostgresDatabase::reusable().map(|database| Self(Inner::Postgres(database)))
            }
        }
    }

    /// What `DATABASE_URL` is to be.
    #[must_use]
    pub fn url(&self) -> String {
        match &self.0 {
            Inner::Sqlite(_) => format!("sqlite://{}", self.sqlite_file()),
            Inner::Postgres(database) => database.url().to_owned(),
        }
    }

    /// Runs SQL behind the back of the code under test.
    pub fn execute(&self, sql: &str) {
        match &self.0 {
            Inner::Sqlite(_) => self.sqlite().batch_execute(sql),
            Inner::Postgres(database) => database.execute(sql),
        }
        .expect("the statement succeeds");
    }

    /// Begins a transaction of a PostgreSQL database with these statements, such as one that locks a table; it is rolled
    /// back when it is dropped.
    #[must_use]
    pub fn open_transaction(&self, sql: &str) -> OpenTransaction {
        let mut connection = self.postgres().connection();
        connection
            .batch_execute(&format!("BEGIN; {sql}"))
            .expect("the statements succeed");
        OpenTransaction(connection)
    }

    /// What a query gives that selects one text as `value`.
    #[must_use]
    pub fn values(&self, sql: &str) -> Vec<Option<String>> {
        let rows: Vec<Value> = match &self.0 {
            Inner::Sqlite(_) => sql_query(sql).load(&mut self.sqlite()),
            Inner::Postgres(database) => sql_query(sql).load(&mut database.connection()),
        }
        .expect("the query succeeds");
        rows.into_iter().map(|row| row.value).collect()
    }

    /// The columns of a table, in their order.
    #[must_use]
    pub fn columns(&self, table: &str) -> Vec<String> {
        self.rows(&match &self.0 {
            Inner::Sqlite(_) => {
                format!("SELECT name AS text FROM pragma_table_info('{table}') ORDER BY cid")
            }
            Inner::Postgres(_) => format!(
                "SELECT column_name::text AS text FROM information_schema.columns \
                 WHERE table_name = '{table}' ORDER BY ordinal_position"
            ),
        })
    }

    /// The texts that are in a column of a table, in no order.
    #[must_use]
    pub fn texts(&self, table: &str, column: &str) -> Vec<String> {
        self.rows(&format!(
            "SELECT {column} AS text FROM {table} WHERE {column} IS NOT NULL"
        ))
    }

    fn rows(&self, sql: &str) -> Vec<String> {
        let query = sql_query(sql);
        let rows: Vec<Row> = match &self.0 {
            Inner::Sqlite(_) => query.load(&mut self.sqlite()),
            Inner::Postgres(database) => query.load(&mut database.connection()),
        }
        .expect("the rows can be read");
        rows.into_iter().map(|row| row.text).collect()
    }

    /// Ends every connection to a PostgreSQL database.
    pub fn terminate_connections(&self) {
        self.postgres().terminate_connections();
    }

    /// Ends every connection to a PostgreSQL database, and lets it accept none.
    pub fn take_away(&self) {
        self.postgres().accept_connections(false);
        self.postgres().terminate_connections();
    }

    /// Lets a PostgreSQL database accept connections again.
    pub fn bring_back(&self) {
        self.postgres().accept_connections(true);
    }

    fn postgres(&self) -> &PostgresDatabase {
        match &self.0 {
            Inner::Sqlite(_) => panic!("SQLite has no server"),
            Inner::Postgres(database) => database,
        }
    }

    fn sqlite_file(&self) -> String {
        match &self.0 {
            Inner::Sqlite(folder) => folder.path().join("todo.db").display().to_string(),
            Inner::Postgres(_) => panic!("PostgreSQL has no file"),
        }
    }

    fn sqlite(&self) -> SqliteConnection {
        connect_sqlite(&self.sqlite_file())
    }
}

/// What a query on an SQLite file gives that selects one text as `value`.
#[must_use]
pub fn sqlite_values(file: &Path, sql: &str) -> Vec<Option<String>> {
    let rows: Vec<Value> = sql_query(sql)
        .load(&mut connect_sqlite(&file.display().to_string()))
        .expect("the query succeeds");
    rows.into_iter().map(|row| row.value).collect()
}

fn connect_sqlite(file: &str) -> SqliteConnection {
    let mut connection = SqliteConnection::establish(file).expect("the file can be opened");
    connection
        .batch_execute("PRAGMA busy_timeout = 5000; PRAGMA foreign_keys = ON;")
        .expect("the pragmas are known");
    connection
}

fn connect(url: &str) -> PgConnection {
    PgConnection::establish(url).expect("PostgreSQL accepts a connection")
}
