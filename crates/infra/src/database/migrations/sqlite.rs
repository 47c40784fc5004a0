//! Migrating SQLite: whatever is needed, in one transaction.

use diesel::{
    Connection, QueryableByName, RunQueryDsl, SqliteConnection, migration::MigrationSource,
    sql_query, sql_types::Text, sqlite::Sqlite,
};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use todo_domain::ports::BoxError;

use super::{Listener, MigrateError, PlannedStep, Progress, refuse_newer};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    name: String,
}

/// The steps for a file that is not there yet.
pub(super) fn plan_for_no_file() -> Vec<PlannedStep> {
    steps_after(&[]).unwrap_or_default()
}

/// The steps that are needed.
pub(super) fn plan(connection: &mut SqliteConnection) -> Result<Vec<PlannedStep>, MigrateError> {
    // In a transaction, so that all of it is seen as it was at one moment.
    connection
        .transaction(|connection| Ok(steps(connection)))
        .unwrap_or_else(|error: diesel::result::Error| Err(MigrateError::Inspect(error.into())))
}

/// Takes the steps that are needed. Whoever else wants to waits for the write lock.
pub(super) fn run(
    connection: &mut SqliteConnection,
    listener: Listener<'_>,
) -> Result<Vec<PlannedStep>, MigrateError> {
    connection
        .immediate_transaction(|connection| {
            let steps = steps(connection)?;
            for (index, step) in steps.iter().enumerate() {
                listener(Progress::Step {
                    step,
                    number: index + 1,
                    of: steps.len(),
                });
                connection
                    .run_next_migration(MIGRATIONS)
                    .map_err(|source| failed(&step.name, source))?;
            }
            Ok(steps)
        })
        .map_err(|error| match error {
            InTransaction::Migrate(error) => error,
            InTransaction::Transaction(error) => failed("transaction", error.into()),
        })
}

/// What can go wrong in a transaction: the work, or the transaction itself.
enum InTransaction {
    Migrate(MigrateError),
    Transaction(diesel::result::Error),
}

impl From<MigrateError> for InTransaction {
    fn from(error: MigrateError) -> Self {
        Self::Migrate(error)
    }
}

impl From<diesel::result::Error> for InTransaction {
    fn from(error: diesel::result::Error) -> Self {
        Self::Transaction(error)
    }
}

fn failed(step: &str, source: BoxError) -> MigrateError {
    MigrateError::Step {
        step: step.to_owned(),
        source,
    }
}

fn steps(connection: &mut SqliteConnection) -> Result<Vec<PlannedStep>, MigrateError> {
    let inspect = |error: diesel::result::Error| MigrateError::Inspect(error.into());
    let tables = names(
        connection,
        "SELECT name FROM sqlite_schema WHERE name IN \
         ('users', 'tasks', 'sessions', '__diesel_schema_migrations') ORDER BY name",
    )
    .map_err(inspect)?;
    let recorded = if tables
        .iter()
        .any(|name| name == "__diesel_schema_migrations")
    {
        let sql = "SELECT version AS name FROM __diesel_schema_migrations ORDER BY version";
        names(connection, sql).map_err(inspect)?
    } else {
        Vec::new()
    };
    refuse_newer(&recorded)?;
    match tables.iter().find(|name| !name.starts_with("__")) {
        Some(table) if recorded.is_empty() => Err(MigrateError::NotOurs {
            table: table.clone(),
            reason: "no migration is recorded that made it".to_owned(),
        }),
        _ => steps_after(&recorded).map_err(MigrateError::Inspect),
    }
}

fn names(connection: &mut SqliteConnection, sql: &str) -> diesel::QueryResult<Vec<String>> {
    let rows: Vec<Name> = sql_query(sql).load(connection)?;
    Ok(rows.into_iter().map(|row| row.name).collect())
}

fn steps_after(recorded: &[String]) -> Result<Vec<PlannedStep>, BoxError> {
    let migrations = MigrationSource::<Sqlite>::migrations(&MIGRATIONS)?;
    let mut steps: Vec<_> = migrations
        .iter()
        .map(|migration| migration.name())
        .filter(|name| !recorded.contains(&name.version().as_owned().to_string()))
        .map(|name| PlannedStep {
            name: name.to_string(),
            why: "this migration has not been run".to_owned(),
        })
        .collect();
    steps.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(steps)
}
