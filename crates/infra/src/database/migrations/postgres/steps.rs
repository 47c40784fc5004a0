//! The steps, what each is for, and how it is taken.

use diesel::{
    Connection, PgConnection, RunQueryDsl, connection::SimpleConnection, dsl::sql, select,
    sql_types::Text,
};

use super::{
    super::{
        FIRST_VERSION, HARDENING_VERSION, Listener, PlannedStep, SECOND_VERSION, THIRD_VERSION,
        USAGE_VERSION,
    },
    back_fill, folding,
    lock::{StepError, TableLock, with_table_locked},
    shape::{MIGRATIONS_TABLE, Shape},
    usage,
};

/// The text of a file of one of the migrations.
macro_rules! sql {
    ($file:literal) => {
        include_str!(concat!("../../../../../../migrations/postgres/", $file))
    };
}

/// An index of a table that may be in use.
#[derive(Debug)]
pub(super) struct Index {
    name: &'static str,
    kind: &'static str,
    on: &'static str,
    /// Whether the first migration makes it.
    first: bool,
    why: &'static str,
}

const INDEXES: &[Index] = &[
    Index {
        name: "ix_users_email",
        kind: "UNIQUE INDEX",
        on: "users (email)",
        first: true,
        why: "no two users have the same address",
    },
    Index {
        name: "ix_tasks_user_id_created_at_id",
        kind: "INDEX",
        on: "tasks (user_id, created_at DESC, id DESC)",
        first: true,
        why: "a user's tasks are listed by when they were made",
    },
    Index {
        name: "ix_tasks_user_id_updated_at_id",
        kind: "INDEX",
        on: "tasks (user_id, updated_at, id)",
        first: false,
        why: "a user's tasks are listed by when they were last changed",
    },
    Index {
        name: "ix_tasks_user_id_due_at_id",
        kind: "INDEX",
        on: "tasks (user_id, due_at, id)",
        first: false,
        why: "a user's tasks are listed by when they are due",
    },
    Index {
        name: "ix_tasks_user_id_priority_id",
        kind: "INDEX",
        on: "tasks (user_id, priority, id)",
        first: false,
        why: "a user's tasks are listed by priority",
    },
    Index {
        name: "ix_tasks_user_id_title_folded_id",
        kind: "INDEX",
        on: "tasks (user_id, title_folded, id)",
        first: false,
        why: "a user's tasks are listed by title",
    },
];

/// The column of users that the migration of disabled users adds.
const DISABLED_AT: &str = "disabled_at";

/// The tables that stand beside users and tasks, and those of accounts.
const TABLES_BESIDE: [&str; 2] = ["sessions", "idempotency_keys"];
const TABLES_OF_ACCOUNTS: [&str; 4] = [
    "personal_access_tokens",
    "mailed_secrets",
    "guesses",
    "security_events",
];

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

/// One step. Taking it again does no harm.
#[derive(Debug)]
pub(super) enum Step {
    /// Makes the table that records migrations.
    MigrationsTable,
    /// Makes the tables in a database that has none.
    Make,
    /// Takes over the tables that another backend made.
    TakeOver,
    /// Makes those of the tables that stand beside users and tasks that are missing.
    Beside(Vec<&'static str>),
    /// Adds columns to users.
    Users(Vec<&'static str>),
    /// Adds columns to tasks.
    Tasks(Vec<&'static str>),
    /// Makes the functions that the triggers and the back-fill call.
    Functions,
    /// Makes the triggers.
    Triggers,
    /// Fills in what rows lack that were there before the triggers.
    BackFill { estimate: i64 },
    /// Builds an index, in place of one that an interrupted attempt left unusable.
    Index { index: &'static Index, broken: bool },
    /// Adds columns to sessions.
    Sessions(Vec<&'static str>),
    /// Makes the table of usage, if it is missing, with a trigger that gives each new user a row.
    Usage(Vec<&'static str>),
    /// Gives each user that is there a row of usage.
    UsageOfUsers,
    /// Adds the bytes of tasks, and the triggers that count them.
    UsageOfTasks,
    /// Counts the tasks of each user.
    CountTasks { estimate: i64 },
    /// Adds how often an event occurred.
    Occurrences,
    /// Makes those of the tables of accounts that are missing.
    Accounts(Vec<&'static str>),
    /// Adds the column that says when a user was disabled.
    DisabledUsers,
    /// Has the functions of the triggers name the schema of what they call.
    TriggerFunctions,
    /// Records that all of a migration is done.
    Record(&'static str),
}

/// The steps that lead from `shape` to what is needed.
pub(super) fn needed(shape: &Shape) -> Vec<Step> {
    let mut steps = Vec::new();
    if !shape.has_table(MIGRATIONS_TABLE) {
        steps.push(Step::MigrationsTable);
    }
    if !shape.has_had(SECOND_VERSION) {
        steps.extend(details_of_tasks(shape));
    }
    if !shape.has_had(THIRD_VERSION) {
        steps.extend(accounts(shape));
    }
    if !shape.has_had(USAGE_VERSION) {
        let missing = (["user_usage"].into_iter())
            .filter(|table| !shape.has_table(table))
            .collect();
        steps.extend([
            Step::Usage(missing),
            Step::UsageOfUsers,
            Step::UsageOfTasks,
            Step::CountTasks {
                estimate: shape.tasks_estimate,
            },
            Step::Occurrences,
            Step::Record(USAGE_VERSION),
        ]);
    }
    if !shape.has_had(HARDENING_VERSION) {
        if !shape.tables || shape.missing_in_users.contains(&DISABLED_AT) {
            steps.push(Step::DisabledUsers);
        }
        if shape.has_had(SECOND_VERSION) {
            steps.push(Step::TriggerFunctions);
        }
        steps.push(Step::Record(HARDENING_VERSION));
    }
    steps
}

/// The steps of the first two migrations, which are one where the tables are another backend's.
fn details_of_tasks(shape: &Shape) -> Vec<Step> {
    let mut steps = Vec::new();
    if !shape.tables {
        steps.push(Step::Make);
    } else if !shape.has_had(FIRST_VERSION) {
        steps.push(Step::TakeOver);
    }
    if !shape.tables_beside {
        let missing = TABLES_BESIDE.iter().copied();
        steps.push(Step::Beside(
            missing
                .filter(|table| shape.is_missing_after_make(table))
                .collect(),
        ));
    }
    let mut missing_in_users = shape.missing_in_users.clone();
    missing_in_users.retain(|column| *column != DISABLED_AT);
    if !shape.tables || !missing_in_users.is_empty() {
        steps.push(Step::Users(missing_in_users));
    }
    if !shape.tables || !shape.missing_in_tasks.is_empty() {
        steps.push(Step::Tasks(shape.missing_in_tasks.clone()));
    }
    steps.push(Step::Functions);
    let is_there = |trigger: &str| shape.triggers.iter().any(|there| there == trigger);
    if !TRIGGERS.iter().all(|trigger| is_there(trigger)) {
        steps.push(Step::Triggers);
    }
    steps.push(Step::BackFill {
        estimate: shape.tasks_estimate,
    });
    for index in INDEXES {
        match shape.indexes.get(index.name) {
            Some(true) => {}
            None if index.first && !shape.tables => {}
            found => steps.push(Step::Index {
                index,
                broken: found.is_some(),
            }),
        }
    }
    steps.push(Step::Record(SECOND_VERSION));
    steps
}

/// The steps of the third migration.
fn accounts(shape: &Shape) -> Vec<Step> {
    let mut steps = Vec::new();
    if !shape.tables_beside || !shape.missing_in_sessions.is_empty() {
        steps.push(Step::Sessions(shape.missing_in_sessions.clone()));
    }
    if !shape.tables_of_accounts {
        let missing = TABLES_OF_ACCOUNTS.iter().copied();
        steps.push(Step::Accounts(
            missing.filter(|table| !shape.has_table(table)).collect(),
        ));
    }
    steps.push(Step::Record(THIRD_VERSION));
    steps
}

impl Step {
    /// What it is called, and what it is for.
    pub(super) fn describe(&self) -> PlannedStep {
        let (name, why) = match self {
            Self::MigrationsTable => (
                "table of migrations",
                "it is recorded which migrations are done".to_owned(),
            ),
            Self::Make => (
                "make tables",
                "the database has none of users, tasks and sessions".to_owned(),
            ),
            Self::TakeOver => (
                "take over tables",
                "users and tasks are those of another backend, and what is there stays as it is"
                    .to_owned(),
            ),
            Self::Beside(_) => (
                "tables beside",
                "sessions and the keys of requests stand beside users and tasks".to_owned(),
            ),
            Self::Users(columns) => ("columns of users", added("users", columns)),
            Self::Tasks(columns) => ("columns of tasks", added("tasks", columns)),
            Self::Functions => (
                "functions",
                "the triggers and the back-fill call them".to_owned(),
            ),
            Self::Triggers => (
                "triggers",
                "what another backend writes lacks folded texts, times of completion and versions"
                    .to_owned(),
            ),
            Self::BackFill { estimate } => (
                "back-fill",
                format!(
                    "{} that were there before may lack folded texts and times of completion",
                    tasks(*estimate)
                ),
            ),
            Self::Index { index, broken } => {
                let found = if *broken {
                    ", and an interrupted attempt left it unusable"
                } else {
                    ""
                };
                let name = format!("index {}", index.name);
                let why = format!("{}{found}", index.why);
                return PlannedStep { name, why };
            }
            Self::Sessions(columns) => ("columns of sessions", added("sessions", columns)),
            Self::Accounts(_) => (
                "tables of accounts",
                "tokens, what is sent by mail, guesses at passwords and what happens to accounts are kept"
                    .to_owned(),
            ),
            Self::Usage(_) => (
                "table of usage",
                "it has what each user stores, for quotas".to_owned(),
            ),
            Self::UsageOfUsers => (
                "usage of users",
                "each user has a row in it".to_owned(),
            ),
            Self::UsageOfTasks => (
                "usage of tasks",
                "each change of tasks is counted from then on".to_owned(),
            ),
            Self::CountTasks { estimate } => (
                "count tasks",
                format!("{} that were there before are counted", tasks(*estimate)),
            ),
            Self::Occurrences => (
                "occurrences of events",
                "failures that belong to no account are counted for each network and hour"
                    .to_owned(),
            ),
            Self::TriggerFunctions => (
                "functions of triggers",
                "they name the schema of what they call, so that they call nothing of another role"
                    .to_owned(),
            ),
            Self::DisabledUsers => (
                "disabled users",
                "users lack the time at which an operator disabled them".to_owned(),
            ),
            Self::Record(version) => {
                return PlannedStep {
                    name: format!("record {version}"),
                    why: format!("migration {version} counts as done from then on"),
                };
            }
        };
        PlannedStep {
            name: name.to_owned(),
            why,
        }
    }

    /// Takes it.
    pub(super) fn take(
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
            Self::Make => {
                let tables = sql!("2026-11-21-000000_create_users_tasks_sessions/up.sql");
                let sql = format!("{tables}{}", record(FIRST_VERSION));
                in_one_transaction(connection, &sql)
            }
            Self::TakeOver => in_one_transaction(connection, &record(FIRST_VERSION)),
            Self::Beside(missing) => {
                let sql = sql!("2026-11-21-010000_details_of_tasks/tables_beside.sql");
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
                let sql = sql!("2026-11-21-020000_accounts/tables_beside.sql");
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

/// Builds an index while others write to the table. It waits for their transactions, and they do not wait for it.
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

/// The statements, such that a table that was not seen must not be there: whoever made it since then is not us.
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

/// Statements that name the schema of the tables.
fn in_schema(statements: &str, connection: &mut PgConnection) -> Result<String, StepError> {
    let schema: String =
        select(sql::<Text>("quote_ident(current_schema())::text")).get_result(connection)?;
    Ok(statements.replace("@schema@", &schema))
}

/// Records a version as diesel does.
fn record(version: &str) -> String {
    format!(
        "INSERT INTO __diesel_schema_migrations (version) VALUES ('{version}') ON CONFLICT DO NOTHING;\n"
    )
}

fn added(table: &str, columns: &[&str]) -> String {
    if columns.is_empty() {
        format!("{table} come to have all that is kept of them")
    } else {
        format!("{table} lack {}", columns.join(", "))
    }
}

fn tasks(estimate: i64) -> String {
    match estimate {
        0 => "tasks".to_owned(),
        1.. => format!("about {estimate} tasks"),
        _ => "an unknown number of tasks".to_owned(),
    }
}
