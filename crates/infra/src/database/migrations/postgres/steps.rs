//! The steps, what each is for, and how it is taken.

use diesel::{Connection, PgConnection, connection::SimpleConnection};

use super::{
    super::{
        DISABLED_USERS_VERSION, FIRST_VERSION, Listener, PlannedStep, SECOND_VERSION, THIRD_VERSION,
    },
    back_fill, folding,
    lock::{StepError, TableLock, with_table_locked},
    shape::Shape,
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

const TRIGGERS: [&str; 2] = ["todo_tasks_before_insert", "todo_tasks_before_update"];

/// One step. Taking it again does no harm.
#[derive(Debug)]
pub(super) enum Step {
    /// Makes the tables in a database that has none.
    Make,
    /// Takes over the tables that another backend made.
    TakeOver,
    /// Makes the tables that stand beside users and tasks.
    Beside,
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
    /// Makes the tables of accounts.
    Accounts,
    /// Adds the column that says when a user was disabled.
    DisabledUsers,
    /// Records that all of a migration is done.
    Record(&'static str),
}

/// The steps that lead from `shape` to what is needed.
pub(super) fn needed(shape: &Shape) -> Vec<Step> {
    let mut steps = Vec::new();
    if !shape.has_had(SECOND_VERSION) {
        steps.extend(details_of_tasks(shape));
    }
    if !shape.has_had(THIRD_VERSION) {
        steps.extend(accounts(shape));
    }
    if !shape.has_had(DISABLED_USERS_VERSION) {
        if !shape.tables || shape.missing_in_users.contains(&DISABLED_AT) {
            steps.push(Step::DisabledUsers);
        }
        steps.push(Step::Record(DISABLED_USERS_VERSION));
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
        steps.push(Step::Beside);
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
        steps.push(Step::Accounts);
    }
    steps.push(Step::Record(THIRD_VERSION));
    steps
}

impl Step {
    /// What it is called, and what it is for.
    pub(super) fn describe(&self) -> PlannedStep {
        let (name, why) = match self {
            Self::Make => (
                "make tables",
                "the database has none of users, tasks and sessions".to_owned(),
            ),
            Self::TakeOver => (
                "take over tables",
                "users and tasks are those of another backend, and what is there stays as it is"
                    .to_owned(),
            ),
            Self::Beside => (
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
            Self::BackFill { estimate } => ("back-fill", back_fill_why(*estimate)),
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
            Self::Accounts => (
                "tables of accounts",
                "tokens, what is sent by mail, guesses at passwords and what happens to accounts are kept"
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
            Self::Make => {
                let tables = sql!("2026-11-21-000000_create_users_tasks_sessions/up.sql");
                let sql = format!("{tables}{}", record(FIRST_VERSION));
                in_one_transaction(connection, &sql)
            }
            Self::TakeOver => in_one_transaction(connection, &record(FIRST_VERSION)),
            Self::Beside => {
                let sql = sql!("2026-11-21-010000_details_of_tasks/tables_beside.sql");
                locked("users", "SHARE ROW EXCLUSIVE", sql)
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
                let functions = sql!("2026-11-21-010000_details_of_tasks/functions.sql");
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
            Self::Accounts => {
                let sql = sql!("2026-11-21-020000_accounts/tables_beside.sql");
                locked("users", "SHARE ROW EXCLUSIVE", sql)
            }
            Self::DisabledUsers => {
                let sql = sql!("2026-11-24-200000_disabled_users/users.sql");
                locked("users", "ACCESS EXCLUSIVE", sql)
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

/// Records a version as diesel does.
fn record(version: &str) -> String {
    format!(
        "CREATE TABLE IF NOT EXISTS __diesel_schema_migrations (\
         version varchar(50) NOT NULL PRIMARY KEY, run_on timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP);\n\
         INSERT INTO __diesel_schema_migrations (version) VALUES ('{version}') ON CONFLICT DO NOTHING;\n"
    )
}

fn added(table: &str, columns: &[&str]) -> String {
    if columns.is_empty() {
        format!("{table} come to have all that is kept of them")
    } else {
        format!("{table} lack {}", columns.join(", "))
    }
}

fn back_fill_why(estimate: i64) -> String {
    let tasks = match estimate {
        0 => "tasks".to_owned(),
        1.. => format!("about {estimate} tasks"),
        _ => "an unknown number of tasks".to_owned(),
    };
    format!("{tasks} that were there before may lack folded texts and times of completion")
}
