//! Diagnosis of a database, for operators.

use diesel::{
    Connection, QueryableByName, RunQueryDsl, SqliteConnection,
    dsl::sql,
    select, sql_query,
    sql_types::{BigInt, Text},
};
use jiff::SignedDuration;
use todo_domain::ports::{Clock, StorageError};

use super::{
    AnyConnection, ConnectError, ConnectionError, Database, DatabaseKind, SessionTimeouts,
    manager::Manager, sqlite,
};

/// The difference between the clock of a database and ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockDifference {
    /// How far the database is ahead; negative if it is behind.
    pub ahead: SignedDuration,
    /// The largest error of the measurement: half of the round-trip time.
    pub uncertainty: SignedDuration,
}

/// A timeout that the sessions of the role lack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingTimeout {
    /// The name of the setting.
    pub name: &'static str,
    /// The statement that sets it.
    pub statement: String,
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

/// The connections that PostgreSQL keeps for others do not count, and those of the user and of the database do.
const CONNECTION_LIMIT: &str = "LEAST( \
     current_setting('max_connections')::bigint - current_setting('superuser_reserved_connections')::bigint, \
     (SELECT NULLIF(rolconnlimit, -1)::bigint FROM pg_roles WHERE rolname = current_user), \
     (SELECT NULLIF(datconnlimit, -1)::bigint FROM pg_database WHERE datname = current_database()))";

impl Database {
    /// Opens a connection outside of the pool, and closes it. No file is created.
    ///
    /// # Errors
    /// [`ConnectError`] with its causes, of which the pool keeps none.
    pub fn try_to_connect(&self) -> Result<(), ConnectError> {
        Manager::new(self.url().clone(), self.settings())
            .open_to_look()
            .map(drop)
    }

    /// The errors in the file of an SQLite database, which is read completely.
    ///
    /// `None` on PostgreSQL, or if the file does not exist.
    ///
    /// # Errors
    /// [`StorageError`] when it cannot be read at all.
    pub fn check_integrity(&self) -> Result<Option<Vec<String>>, StorageError> {
        if self.url().kind() == DatabaseKind::Postgres {
            return Ok(None);
        }
        let opened = sqlite::open_to_look(self.url().target());
        let Some(mut connection) =
            opened.map_err(|error| StorageError::Unavailable(error.into()))?
        else {
            return Ok(None);
        };
        let lines = quick_check(&mut connection).map_err(ConnectionError::from)?;
        let faults = lines.into_iter().filter(|line| line != "ok");
        Ok(Some(faults.collect()))
    }

    /// Compares the clock of a PostgreSQL server with `clock`. `None` for SQLite, which has the clock of this machine.
    ///
    /// # Errors
    /// [`StorageError`].
    pub fn compare_clocks(
        &self,
        clock: &dyn Clock,
    ) -> Result<Option<ClockDifference>, StorageError> {
        if self.url().kind() == DatabaseKind::Sqlite {
            return Ok(None);
        }
        let question = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint";
        let (before, theirs, after) = self.read(|connection| {
            // The first question may have to open the connection, which takes longer.
            let _: i64 = select(sql::<BigInt>(question)).get_result(connection)?;
            let before = clock.now().as_microseconds();
            let theirs: i64 = select(sql::<BigInt>(question)).get_result(connection)?;
            Ok((before, theirs, clock.now().as_microseconds()))
        })?;
        let took = after.saturating_sub(before);
        let ours = before.saturating_add(took / 2);
        Ok(Some(ClockDifference {
            ahead: SignedDuration::from_micros(theirs.saturating_sub(ours)),
            uncertainty: SignedDuration::from_micros(took / 2),
        }))
    }

    /// The timeouts that sessions should have in a server with this deadline, and have not by themselves; it is asked on
    /// a connection on which none is set. Empty for SQLite, and where there is no pooler: then the server sets them.
    ///
    /// # Errors
    /// [`StorageError`].
    pub fn missing_timeouts(
        &self,
        deadline: std::time::Duration,
    ) -> Result<Vec<MissingTimeout>, StorageError> {
        if self.url().kind() == DatabaseKind::Sqlite || !self.settings().behind_pooler {
            return Ok(Vec::new());
        }
        let settings = SessionTimeouts::of(Some(deadline)).settings();
        let (role, values) = self.read(|connection: &mut AnyConnection| {
            let role: String =
                select(sql::<Text>("quote_ident(current_user)::text")).get_result(connection)?;
            let mut values = Vec::new();
            for (name, _) in settings {
                let question =
                    format!("(SELECT setting::bigint FROM pg_settings WHERE name = '{name}')");
                let value: i64 = select(sql::<BigInt>(&question)).get_result(connection)?;
                values.push(value);
            }
            Ok((role, values))
        })?;
        let missing = settings
            .into_iter()
            .zip(values)
            .filter(|((_, wanted), value)| {
                u64::try_from(*value).is_ok_and(|value| value == 0 || value > *wanted)
            })
            .map(|((name, wanted), _)| MissingTimeout {
                name,
                statement: format!("ALTER ROLE {role} SET {name} = {wanted}"),
            });
        Ok(missing.collect())
    }

    /// The number of connections that PostgreSQL accepts from all instances together. `None` for SQLite.
    ///
    /// # Errors
    /// [`StorageError`].
    pub fn connection_limit(&self) -> Result<Option<u64>, StorageError> {
        if self.url().kind() == DatabaseKind::Sqlite {
            return Ok(None);
        }
        let limit: i64 = self.read(|connection: &mut AnyConnection| {
            select(sql::<BigInt>(CONNECTION_LIMIT)).get_result(connection)
        })?;
        Ok(Some(u64::try_from(limit).unwrap_or_default()))
    }
}

fn quick_check(connection: &mut SqliteConnection) -> diesel::QueryResult<Vec<String>> {
    // In a transaction, so that concurrent writes are not reported as errors.
    connection.transaction(|connection| {
        let sql = "SELECT quick_check AS line FROM pragma_quick_check";
        let lines: Vec<Line> = sql_query(sql).load(connection)?;
        Ok(lines.into_iter().map(|line| line.line).collect())
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rstest::rstest;
    use todo_domain::Timestamp;
    use todo_testkit::{
        Kind::{self, Postgres, Sqlite},
        TestDatabase,
    };

    use super::*;
    use crate::{PoolSettings, SystemClock};

    fn connect(behind: &TestDatabase) -> Database {
        let url: crate::DatabaseUrl = behind.url().parse().unwrap();
        let settings = PoolSettings::for_kind(url.kind());
        Database::new(url, &settings)
    }

    #[rstest]
    fn a_new_database_passes_the_integrity_check(#[values(Sqlite, Postgres)] kind: Kind) {
        let Some(behind) = TestDatabase::new(kind) else {
            return;
        };
        let database = connect(&behind);
        assert_eq!(database.check_integrity().unwrap(), None, "no file yet");
        database.migrate().unwrap();
        let faults = database.check_integrity().unwrap();
        assert_eq!(faults, (kind == Sqlite).then(Vec::new));
        let limit = database.connection_limit().unwrap();
        assert_eq!(limit.is_some(), kind == Postgres);
    }

    #[test]
    fn a_damaged_file_fails_the_integrity_check() {
        let behind = TestDatabase::new(Sqlite).unwrap();
        let database = connect(&behind);
        database.migrate().unwrap();
        // An entry of an index that no row has.
        behind.execute(
            "PRAGMA writable_schema = ON;
             UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema WHERE name = 'tasks')
             WHERE name = 'users'",
        );
        let faults = connect(&behind).check_integrity();
        assert!(
            !matches!(&faults, Ok(Some(faults)) if faults.is_empty()),
            "{faults:?}"
        );
    }

    /// Is ahead of the system's clock by so much.
    struct Ahead(Duration);

    impl Clock for Ahead {
        fn now(&self) -> Timestamp {
            SystemClock.now().saturating_add(self.0)
        }
    }

    #[test]
    fn a_clock_difference_is_measured() {
        let Some(behind) = TestDatabase::new(Postgres) else {
            return;
        };
        let database = connect(&behind);
        let difference = |ahead| {
            let clock = Ahead(Duration::from_secs(ahead));
            database.compare_clocks(&clock).unwrap().unwrap()
        };
        for ahead in [0, 600] {
            let ClockDifference {
                ahead: theirs,
                uncertainty,
            } = difference(ahead);
            let off = (theirs + SignedDuration::from_secs(ahead.cast_signed())).abs();
            assert!(
                off <= uncertainty + SignedDuration::from_millis(1),
                "{theirs:?}"
            );
        }
        let sqlite = connect(&TestDatabase::new(Sqlite).unwrap());
        assert_eq!(sqlite.compare_clocks(&SystemClock).unwrap(), None);
    }

    #[test]
    fn behind_a_pooler_the_role_must_have_timeouts() {
        let Some(behind) = TestDatabase::new(Postgres) else {
            return;
        };
        let deadline = Duration::from_secs(3);
        assert_eq!(connect(&behind).missing_timeouts(deadline).unwrap(), []);
        let pooled = || {
            let settings = PoolSettings {
                behind_pooler: true,
                ..PoolSettings::for_kind(crate::DatabaseKind::Postgres)
            };
            Database::new(behind.url().parse().unwrap(), &settings)
        };
        let missing = || {
            let missing = pooled().missing_timeouts(deadline).unwrap();
            missing
                .into_iter()
                .map(|missing| missing.name)
                .collect::<Vec<_>>()
        };
        let all = [
            "statement_timeout",
            "lock_timeout",
            "idle_in_transaction_session_timeout",
        ];
        assert_eq!(missing(), all);
        let first = pooled().missing_timeouts(deadline).unwrap().swap_remove(0);
        assert!(first.statement.starts_with("ALTER ROLE "), "{first:?}");
        assert!(
            first.statement.ends_with(" SET statement_timeout = 3000"),
            "{first:?}"
        );
        // For the database alone, since others use the role, too.
        behind.execute(
            "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET statement_timeout = 3000', current_database()); \
             EXECUTE format('ALTER DATABASE %I SET lock_timeout = 1000', current_database()); END $$",
        );
        assert_eq!(missing(), all[2..]);
    }

    #[test]
    fn the_connection_limit_includes_those_of_role_and_database() {
        let Some(behind) = TestDatabase::new(Postgres) else {
            return;
        };
        let database = connect(&behind);
        let of_server = database.connection_limit().unwrap().unwrap();
        assert!(of_server > 7);
        behind.execute(
            "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I CONNECTION LIMIT 7', current_database()); END $$",
        );
        assert_eq!(database.connection_limit().unwrap(), Some(7));
    }
}
