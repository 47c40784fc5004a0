//! A connection to either database, and how each begins a write.

use diesel::{
    MultiConnection, PgConnection, QueryResult, SqliteConnection,
    connection::{AnsiTransactionManager, Connection, TransactionManager},
};

/// A connection to either database.
#[derive(MultiConnection)]
pub(crate) enum AnyConnection {
    /// To PostgreSQL.
    Postgres(PgConnection),
    /// To SQLite.
    Sqlite(SqliteConnection),
}

impl AnyConnection {
    /// Begins a transaction that will write.
    ///
    /// SQLite takes its write lock at once: a transaction that reads first and then writes would fail with "busy" when
    /// another wrote in between.
    pub(super) fn begin_write(&mut self) -> QueryResult<()> {
        match self {
            Self::Postgres(connection) => AnsiTransactionManager::begin_transaction(connection),
            Self::Sqlite(connection) => {
                AnsiTransactionManager::begin_transaction_sql(connection, "BEGIN IMMEDIATE")
            }
        }
    }

    /// Begins a part of a transaction that is open, which can be committed to it or rolled back by itself.
    pub(super) fn begin_part(&mut self) -> QueryResult<()> {
        <Self as Connection>::TransactionManager::begin_transaction(self)
    }

    /// Begins a transaction that only reads, and reads what there was at one instant.
    ///
    /// On SQLite every transaction does, and others go on writing meanwhile.
    pub(super) fn begin_snapshot(&mut self) -> QueryResult<()> {
        match self {
            Self::Postgres(connection) => AnsiTransactionManager::begin_transaction_sql(
                connection,
                "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY",
            ),
            Self::Sqlite(connection) => AnsiTransactionManager::begin_transaction(connection),
        }
    }

    pub(super) fn commit(&mut self) -> QueryResult<()> {
        <Self as Connection>::TransactionManager::commit_transaction(self)
    }

    pub(super) fn rollback(&mut self) -> QueryResult<()> {
        <Self as Connection>::TransactionManager::rollback_transaction(self)
    }
}
