//! Database, connection pool and quotas.

use std::{str::FromStr, time::Duration};

use todo_domain::Quotas;
use todo_infra::{Database, DatabaseKind, DatabaseUrl, PoolSettings};

use super::Variables;

/// Default number of threads for searches and exports.
const BULK_THREADS: u32 = 2;

/// Database URL, pool and quotas.
#[derive(Debug)]
pub(crate) struct DatabaseConfig {
    pub(crate) url: DatabaseUrl,
    /// Direct connection for migrations, if it differs.
    pub(crate) migration_url: Option<DatabaseUrl>,
    pub(crate) pool: PoolSettings,
    pub(crate) quotas: Quotas,
}

impl DatabaseConfig {
    pub(super) fn read(variables: &mut Variables<'_>) -> Self {
        let url = variables
            .parsed("DATABASE_URL", DatabaseUrl::from_str)
            .unwrap_or_default();
        let default = PoolSettings::for_kind(url.kind());
        let pool = PoolSettings {
            max_connections: variables.number(
                "DATABASE_MAX_CONNECTIONS",
                default.max_connections,
                1,
            ),
            bulk_connections: variables.number("BULK_THREADS", BULK_THREADS, 1),
            statement_cache: variables
                .parsed("DATABASE_STATEMENT_CACHE", on_or_off)
                .unwrap_or(default.statement_cache),
            ..default
        };
        let migration_url = variables.parsed("DATABASE_MIGRATION_URL", |text| {
            migration_url(text, url.kind())
        });
        let pool = PoolSettings {
            // Both variables imply a pooler.
            behind_pooler: url.kind() == DatabaseKind::Postgres
                && (migration_url.is_some() || !pool.statement_cache),
            ..pool
        };
        Self {
            url,
            migration_url,
            pool,
            quotas: quotas(variables),
        }
    }

    /// Number of threads of the database pool.
    pub(crate) fn useful_threads(&self) -> usize {
        self.pool.useful_threads(self.url.kind())
    }

    /// Number of threads for searches and exports, each with an additional connection.
    pub(crate) fn bulk_threads(&self) -> usize {
        self.pool.bulk_connections as usize
    }

    /// The database of a server; `deadline` is also the timeout of each statement.
    pub(crate) fn serving_database(mut self, deadline: Duration) -> Database {
        self.pool.statement_deadline = Some(deadline);
        self.database()
    }

    /// The database, without a statement timeout. Connections are opened on demand.
    pub(crate) fn database(self) -> Database {
        let database = Database::new(self.url, &self.pool).with_quotas(self.quotas);
        match self.migration_url {
            Some(url) => database.migrating_at(url),
            None => database,
        }
    }
}

fn quotas(variables: &mut Variables<'_>) -> Quotas {
    let default = Quotas::default();
    Quotas {
        todos: variables.number("TASKS_PER_USER", default.todos, 1),
        bytes: variables.number("BYTES_PER_USER", default.bytes, 1),
        sessions: variables.number("SESSIONS_PER_USER", default.sessions, 1),
    }
}

fn on_or_off(text: &str) -> Result<bool, &'static str> {
    match text {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err("must be on or off"),
    }
}

/// Parses the URL for migrations of a database of this kind.
fn migration_url(text: &str, kind: DatabaseKind) -> Result<DatabaseUrl, String> {
    if kind == DatabaseKind::Sqlite {
        return Err("is for PostgreSQL, but DATABASE_URL is an SQLite file".to_owned());
    }
    let url = DatabaseUrl::from_str(text).map_err(|error| error.to_string())?;
    if url.kind() == kind {
        Ok(url)
    } else {
        Err("must begin with postgres://, like DATABASE_URL".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use crate::config::testing::{SECRET, read};

    #[test]
    fn postgres_is_given_no_more_connections_than_pay_where_it_is_near() {
        let config = read(&[
            ("DATABASE_URL", "postgres://localhost/todo"),
            ("JWT_SECRET", SECRET),
        ]);
        assert_eq!(config.unwrap().database.pool.max_connections, 12);
    }

    const POSTGRES: [(&str, &str); 2] = [
        ("DATABASE_URL", "postgres://pooler/todo"),
        ("JWT_SECRET", SECRET),
    ];

    #[test]
    fn behind_a_pooler_statements_are_not_kept_and_migrations_go_past_it() {
        let mut variables = POSTGRES.to_vec();
        let config = read(&variables).unwrap().database;
        assert!(config.pool.statement_cache);
        assert!(!config.pool.behind_pooler);
        assert!(config.migration_url.is_none());

        variables.push(("DATABASE_STATEMENT_CACHE", "off"));
        variables.push(("DATABASE_MIGRATION_URL", "postgres://direct/todo"));
        let config = read(&variables).unwrap().database;
        assert!(!config.pool.statement_cache);
        assert!(config.pool.behind_pooler);
        let url = config.migration_url.unwrap();
        assert_eq!(url.to_string(), "postgres://direct/todo");
    }

    #[rstest]
    #[case("DATABASE_STATEMENT_CACHE", "maybe")]
    #[case("DATABASE_MIGRATION_URL", "sqlite://hunter2.db")]
    #[case("DATABASE_MIGRATION_URL", "mysql://ada:hunter2@direct/todo")]
    fn what_cannot_be_used_is_named(#[case] name: &str, #[case] value: &str) {
        let variables = [&POSTGRES[..], &[(name, value)]].concat();
        let error = read(&variables).unwrap_err();
        assert_eq!(error.0.len(), 1, "{error}");
        assert!(error.0[0].starts_with(name), "{error}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }

    #[test]
    fn a_file_is_migrated_where_it_is() {
        let error = read(&[("DATABASE_MIGRATION_URL", "postgres://direct/todo")]).unwrap_err();
        assert!(error.0[0].starts_with("DATABASE_MIGRATION_URL is for PostgreSQL"));
    }
}
