//! A connection to either database, and how each begins a write.

use diesel::{
    MultiConnection, PgConnection, QueryResult, SqliteConnection,
    connection::{AnsiTransactionManager, Connection, TransactionManager},
};

use super::DatabaseKind;

/// A connection to either database.
#[derive(MultiConnection)]
pub(crate) enum AnyConnection {
    /// To PostgreSQL.
    Postgres(PgConnection),
    /// To SQLite.
    Sqlite(SqliteConnection),
}

impl AnyConnection {
    /// Which database it is to.
    pub(crate) fn kind(&self) -> DatabaseKind {
        match self {
            Self::Postgres(_) => DatabaseKind::Postgres,
            Self::Sqlite(_) => DatabaseKind::Sqlite,
        }
    }

    /// Begins a transaction that will write.
    ///
    /// SQLite takes its write lock at once: a transaction that reads first and then writes would fail with "busy" when
    /// another wrote in between. On PostgreSQL the isolation level is READ COMMITTED, whatever the server's default is:
    /// the repositories rely on row locks after which a row is read again.
    pub(super) fn begin_write(&mut self) -> QueryResult<()> {
        match self {
            Self::Postgres(connection) => AnsiTransactionManager::begin_transaction_sql(
                connection,
                "BEGIN ISOLATION LEVEL READ COMMITTED",
            ),
            Self::Sqlite(connection) => {
                AnsiTransactionManager::begin_transaction_sql(connection, "BEGIN IMMEDIATE")
            }
        }
    }

    /// Begins a savepoint in the open transaction. `commit` releases it, and `rollback` rolls back to it.
    pub(super) fn begin_savepoint(&mut self) -> QueryResult<()> {
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

/// Runs a statement on the connection of the actual backend: the expression is compiled once for each backend.
///
/// On a `MultiConnection`, diesel renders the text of a statement each time, even that of a prepared one, and converts each
/// value of a row once more. So this is for the most frequent statements.
macro_rules! with_backend {
    ($connection:expr, |$own:ident| $statement:expr) => {
        match $connection {
            $crate::database::AnyConnection::Postgres($own) => $statement,
            $crate::database::AnyConnection::Sqlite($own) => $statement,
        }
    };
}
pub(crate) use with_backend;

#[cfg(test)]
mod tests {
    use diesel::{RunQueryDsl, dsl::sql, select, sql_types::Text};
    use todo_testkit::{Kind::Postgres, TestDatabase};

    use crate::{Database, DatabaseKind, PoolSettings};

    #[test]
    fn write_transactions_are_read_committed_at_any_default() {
        let Some(behind) = TestDatabase::new(Postgres) else {
            return;
        };
        behind.execute(
            "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_isolation = serializable', \
             current_database()); END $$",
        );
        let settings = PoolSettings::for_kind(DatabaseKind::Postgres);
        let database = Database::new(behind.url().parse().unwrap(), &settings);
        let isolation: String = database
            .transaction(|connection| {
                select(sql::<Text>("current_setting('transaction_isolation')"))
                    .get_result(connection)
            })
            .unwrap();
        assert_eq!(isolation, "read committed");
    }
}
