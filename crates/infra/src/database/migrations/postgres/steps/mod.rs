//! The steps of a migration and how each is run.

mod describe;
mod plan;

use diesel::{
    Connection, PgConnection, RunQueryDsl, connection::SimpleConnection, dsl::sql, select,
    sql_types::Text,
};

pub(super) use self::plan::needed;
use super::{
    super::{FIRST_VERSION, Listener},
    back_fill, folding,
    lock::{StepError, TableLock, with_table_locked},
    usage,
};

/// An index that is built while the table is in use.
#[derive(Debug)]
pub(super) struct Index {
    pub(super) name: &'static str,
    kind: &'static str,
    on: &'static str,
    /// Whether the first migration creates it.
    pub(super) first: bool,
    why: &'static str,
}

/// The text of a migration file.
macro_rules! sql {
    ($file:literal) => {
        include_str!(concat!("../../../../../../../migrations/postgres/", $file))
    };
}

/// The triggers of the second migration on tasks, each of which calls the function of its name.
const TRIGGERS: [&str; 2] = ["todo_tasks_before_insert", "todo_tasks_before_update"];

/// All triggers, each of which calls the function of its name.
pub(super) const ALL_TRIGGERS: [(&str, &str); 6] = [
    ("tasks", TRIGGERS[0]),
    ("tasks", TRIGGERS[1]),
    ("tasks", "todo_tasks_usage_insert"),
    ("tasks", "todo_tasks_usage_update"),
    ("tasks", "todo_tasks_usage_delete"),
    ("users", "todo_users_usage"),
];

/// A step of a migration. Steps are idempotent.
#[derive(Debug)]
pub(super) enum Step {
    /// Creates the table of migrations.
    MigrationsTable,
    /// Creates users, tasks and sessions.
    Create,
    /// Adopts the tables of another backend.
    Adopt,
    /// Creates the missing side tables of users and tasks.
    SideTables(Vec<&'static str>),
    /// Adds columns to users.
    Users(Vec<&'static str>),
    /// Adds columns to tasks.
    Tasks(Vec<&'static str>),
    /// Creates the functions that triggers and the back-fill call.
    Functions,
    /// Creates the triggers of the second migration.
    Triggers,
    /// Fills the columns of rows that are older than the triggers.
    BackFill { estimate: i64 },
    /// Builds an index, and replaces a broken one of an interrupted attempt.
    Index { index: &'static Index, broken: bool },
    /// Adds columns to sessions.
    Sessions(Vec<&'static str>),
    /// Creates the table of usage, if it is missing, with a trigger that inserts a row for each new user.
    Usage(Vec<&'static str>),
    /// Inserts a row of usage for each existing user.
    UsageOfUsers,
    /// Adds the bytes of tasks, and the triggers that count them.
    UsageOfTasks,
    /// Counts the tasks of each user.
    CountTasks { estimate: i64 },
    /// Adds the number of occurrences to events.
    Occurrences,
    /// Creates the missing tables of accounts.
    Accounts(Vec<&'static str>),
    /// Adds the time at which a user was disabled.
    DisabledUsers,
    /// Qualifies the functions that triggers call with their schema.
    TriggerFunctions,
    /// Records a migration as done.
    Record(&'static str),
}

impl Step {
    /// Runs the step.
    pub(super) fn run(
        &self,
        connection: &mut PgConnection,
        listener: Listener<'_>,
    ) -> Result<(), StepError> {
        let mut locked = |table, mode, sql: &str| {
            with_table_locked(connection, TableLock { table, mode }, sql, listener)
        };
        match self {
            Self::MigrationsTable => in_one_transaction(
                connection,
                "CREATE TABLE __diesel_schema_migrations (\
                 version varchar(50) NOT NULL PRIMARY KEY, run_on timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP)",
            ),
            Self::Create => {
                let tables = sql!("2026-11-21-000000_create_users_tasks_sessions/up.sql");
                let sql = format!("{tables}{}", record(FIRST_VERSION));
                in_one_transaction(connection, &sql)
            }
            Self::Adopt => in_one_transaction(connection, &record(FIRST_VERSION)),
            Self::SideTables(missing) => {
                let sql = sql!("2026-11-21-010000_details_of_tasks/side_tables.sql");
                locked("users", "SHARE ROW EXCLUSIVE", &strictly(sql, missing))
            }
            Self::Users(_) => {
                let sql = sql!("2026-11-21-010000_details_of_tasks/users.sql");
                locked("users", "ACCESS EXCLUSIVE", sql)
            }
            Self::Tasks(_) => {
                let sql = sql!("2026-11-21-010000_details_of_tasks/tasks.sql");
                locked("tasks", "ACCESS EXCLUSIVE", sql)
            }
            Self::Functions => {
                let folding = folding::function(connection)?;
                let functions = in_schema(TRIGGER_FUNCTIONS, connection)?;
                in_one_transaction(connection, &format!("{folding}{functions}"))
            }
            Self::Triggers => {
                let sql = sql!("2026-11-21-010000_details_of_tasks/triggers.sql");
                locked("tasks", "SHARE ROW EXCLUSIVE", sql)
            }
            Self::BackFill { estimate } => back_fill::run(connection, *estimate, listener),
            Self::Index { index, broken } => build(connection, index, *broken),
            Self::Sessions(_) => {
                let sql = sql!("2026-11-21-020000_accounts/sessions.sql");
                locked("sessions", "ACCESS EXCLUSIVE", sql)
            }
            Self::Accounts(missing) => {
                let sql = sql!("2026-11-21-020000_accounts/tables.sql");
                locked("users", "SHARE ROW EXCLUSIVE", &strictly(sql, missing))
            }
            Self::TriggerFunctions => {
                let functions = in_schema(TRIGGER_FUNCTIONS, connection)?;
                in_one_transaction(connection, &functions)
            }
            Self::DisabledUsers => {
                let sql = sql!("2026-11-24-200000_hardening/users.sql");
                locked("users", "ACCESS EXCLUSIVE", sql)
            }
            Self::Usage(missing) => {
                let sql = sql!("2026-11-24-000000_usage/usage.sql");
                let sql = in_schema(&strictly(sql, missing), connection)?;
                let lock = TableLock {
                    table: "users",
                    mode: "ACCESS EXCLUSIVE",
                };
                with_table_locked(connection, lock, &sql, listener)
            }
            Self::UsageOfUsers => Ok(usage::add_rows(connection)?),
            Self::UsageOfTasks => {
                let sql = in_schema(sql!("2026-11-24-000000_usage/tasks.sql"), connection)?;
                let lock = TableLock {
                    table: "tasks",
                    mode: "ACCESS EXCLUSIVE",
                };
                with_table_locked(connection, lock, &sql, listener)
            }
            Self::CountTasks { .. } => Ok(usage::count_tasks(connection, listener)?),
            Self::Occurrences => {
                let sql = sql!("2026-11-24-000000_usage/security_events.sql");
                locked("security_events", "ACCESS EXCLUSIVE", sql)
            }
            Self::Record(version) => in_one_transaction(connection, &record(version)),
        }
    }
}

/// Builds an index concurrently: it waits for writers of the table, and they do not wait for it.
fn build(connection: &mut PgConnection, index: &Index, broken: bool) -> Result<(), StepError> {
    let Index { name, kind, on, .. } = index;
    if broken {
        connection.batch_execute(&format!("DROP INDEX CONCURRENTLY {name}"))?;
    }
    let sql = kind.replace("INDEX", "INDEX CONCURRENTLY");
    Ok(connection.batch_execute(&format!("CREATE {sql} {name} ON {on}"))?)
}

fn in_one_transaction(connection: &mut PgConnection, sql: &str) -> Result<(), StepError> {
    Ok(connection.transaction(|connection| connection.batch_execute(sql))?)
}

/// The statements, which fail if a table exists that was missing before: another role has created it since.
fn strictly(sql: &str, missing: &[&str]) -> String {
    missing.iter().fold(sql.to_owned(), |sql, table| {
        sql.replace(
            &format!("CREATE TABLE IF NOT EXISTS {table} ("),
            &format!("CREATE TABLE {table} ("),
        )
    })
}

/// The functions of the triggers of [`TRIGGERS`].
const TRIGGER_FUNCTIONS: &str = sql!("2026-11-24-200000_hardening/functions.sql");

/// The statements with the schema of the tables.
fn in_schema(statements: &str, connection: &mut PgConnection) -> Result<String, StepError> {
    let schema: String =
        select(sql::<Text>("quote_ident(current_schema())::text")).get_result(connection)?;
    Ok(statements.replace("@schema@", &schema))
}

/// A statement that records a version, as diesel does.
fn record(version: &str) -> String {
    format!(
        "INSERT INTO __diesel_schema_migrations (version) VALUES ('{version}') ON CONFLICT DO NOTHING;\n"
    )
}
