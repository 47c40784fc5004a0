//! Databases for tests, and SQL on them.

use std::{fmt, path::Path};

use diesel::{
    Connection, PgConnection, QueryableByName, RunQueryDsl, SqliteConnection,
    connection::SimpleConnection,
    sql_query,
    sql_types::{Nullable, Text},
};
use tempfile::TempDir;

use crate::postgres::OwnDatabase;

/// The kind of a database. Every test of storage runs on both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// SQLite, in a temporary folder: in memory, where Linux has one there, so that no test waits for a disk.
    Sqlite,
    /// PostgreSQL.
    Postgres,
}

/// An empty database, which is removed when it is dropped.
pub struct TestDatabase(Inner);

impl fmt::Debug for TestDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TestDatabase").field(&self.url()).finish()
    }
}

/// An open transaction, with the locks that it holds.
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
    Postgres(OwnDatabase),
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
    /// Creates a database; `None` if tests on this kind are to be skipped.
    #[must_use]
    pub fn new(kind: Kind) -> Option<Self> {
        match kind {
            Kind::Sqlite => {
                let in_memory = TempDir::new_in("/dev/shm");
                let folder = in_memory.or_else(|_| TempDir::new());
                let folder = folder.expect("a temporary folder can be made");
                Some(Self(Inner::Sqlite(folder)))
            }
            Kind::Postgres => OwnDatabase::new().map(|database| Self(Inner::Postgres(database))),
        }
    }

    /// Creates a database that is empty, or has the tables of the program and no rows; `None` if tests on this kind are to
    /// be skipped. PostgreSQL takes much longer to create a database than to clear one, so the next test gets the same,
    /// unless this one changed its tables by [`execute`](Self::execute).
    #[must_use]
    pub fn reusable(kind: Kind) -> Option<Self> {
        match kind {
            Kind::Sqlite => Self::new(kind),
            Kind::Postgres => {
                OwnDatabase::reusable().map(|database| Self(Inner::Postgres(database)))
            }
        }
    }

    /// The value of `DATABASE_URL`.
    #[must_use]
    pub fn url(&self) -> String {
        match &self.0 {
            Inner::Sqlite(_) => format!("sqlite://{}", self.sqlite_file()),
            Inner::Postgres(database) => database.url().to_owned(),
        }
    }

    /// Runs SQL on a connection of its own.
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

    /// The result of a query that selects one text as `value`.
    #[must_use]
    pub fn values(&self, sql: &str) -> Vec<Option<String>> {
        let rows: Vec<Value> = match &self.0 {
            Inner::Sqlite(_) => sql_query(sql).load(&mut self.sqlite()),
            Inner::Postgres(database) => sql_query(sql).load(&mut database.connection()),
        }
        .expect("the query succeeds");
        rows.into_iter().map(|row| row.value).collect()
    }

    /// The columns of a table, in order.
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

    /// The texts in a column of a table, in any order.
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

    /// Terminates every connection to a PostgreSQL database.
    pub fn terminate_connections(&self) {
        self.postgres().terminate_connections();
    }

    /// Terminates every connection to a PostgreSQL database, and refuses new ones.
    pub fn take_away(&self) {
        self.postgres().accept_connections(false);
        self.postgres().terminate_connections();
    }

    /// Accepts connections to a PostgreSQL database again.
    pub fn bring_back(&self) {
        self.postgres().accept_connections(true);
    }

    fn postgres(&self) -> &OwnDatabase {
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

/// The result of a query on an SQLite file that selects one text as `value`.
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
