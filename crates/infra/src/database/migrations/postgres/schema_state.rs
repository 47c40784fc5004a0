//! The state of the schema of a PostgreSQL database, and whether its tables are ours or can be adopted.

use std::collections::BTreeMap;

use diesel::{
    PgConnection, QueryResult, QueryableByName, RunQueryDsl, sql_query,
    sql_types::{BigInt, Bool, Text},
};

use super::{
    super::{MigrateError, are_all_recorded, refuse_newer},
    expected_columns::{
        ACCOUNT_TABLES, Expected, IDEMPOTENCY_KEYS, SESSIONS, TASKS, USER_USAGE, USERS,
    },
    trust::{self, not_ours},
};

/// The parts of the schema that exist.
#[derive(Debug)]
pub(super) struct SchemaState {
    /// The recorded migrations.
    pub(super) versions: Vec<String>,
    /// The tables that exist.
    found: Vec<String>,
    /// Whether users and tasks exist, ours or adoptable ones.
    pub(super) tables: bool,
    /// Whether the side tables exist: sessions and idempotency keys.
    pub(super) side_tables: bool,
    /// Whether the tables of accounts exist.
    pub(super) account_tables: bool,
    /// The columns to add to users.
    pub(super) missing_in_users: Vec<&'static str>,
    /// The columns to add to tasks.
    pub(super) missing_in_tasks: Vec<&'static str>,
    /// The columns to add to sessions.
    pub(super) missing_in_sessions: Vec<&'static str>,
    /// The indexes of users and tasks, and whether each is valid.
    pub(super) indexes: BTreeMap<String, bool>,
    /// The triggers of tasks.
    pub(super) triggers: Vec<String>,
    /// The server's estimate of the number of tasks; negative when it has none.
    pub(super) tasks_estimate: i64,
}

#[derive(Debug, QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    table: String,
    #[diesel(sql_type = Bool)]
    is_plain_table: bool,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    sql_type: String,
    #[diesel(sql_type = Bool)]
    must_be_given: bool,
}

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    name: String,
}

#[derive(QueryableByName)]
struct Index {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Bool)]
    valid: bool,
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

impl SchemaState {
    /// Reads the catalogue, and refuses tables that are not ours and newer versions.
    pub(super) fn read(connection: &mut PgConnection) -> Result<Self, MigrateError> {
        let inspect = |error: diesel::result::Error| MigrateError::Inspect(error.into());
        let existing = trust::Existing::look(connection).map_err(inspect)?;
        existing.check_migrations_table()?;
        let versions = versions(connection).map_err(inspect)?;
        refuse_newer(&versions)?;
        let columns = columns(connection).map_err(inspect)?;
        let of = |table| {
            columns
                .iter()
                .filter(move |column| column.table == table)
                .collect::<Vec<_>>()
        };
        let (users, tasks, sessions) = (of("users"), of("tasks"), of("sessions"));
        let mut missing_in_tasks = missing("tasks", &tasks, TASKS)?;
        // A later migration adds this column, with the triggers that fill it.
        missing_in_tasks.retain(|column| *column != "bytes");
        let missing_in_users = missing("users", &users, USERS)?;
        let missing_in_sessions = missing("sessions", &sessions, SESSIONS)?;
        let keys = of("idempotency_keys");
        missing("idempotency_keys", &keys, IDEMPOTENCY_KEYS)?;
        let mut account_tables = true;
        for (table, expected) in ACCOUNT_TABLES {
            let columns = of(table);
            missing(table, &columns, expected)?;
            account_tables &= !columns.is_empty();
        }
        missing("user_usage", &of("user_usage"), USER_USAGE)?;
        match (users.is_empty(), tasks.is_empty()) {
            (false, true) => return Err(alone("users", "tasks")),
            (true, false) => return Err(alone("tasks", "users")),
            (true, true) if !sessions.is_empty() => return Err(alone("sessions", "users")),
            _ => {}
        }
        existing.check(are_all_recorded(&versions))?;
        Ok(Self {
            versions,
            found: existing.names().map(str::to_owned).collect(),
            tables: !tasks.is_empty(),
            side_tables: !sessions.is_empty() && !keys.is_empty(),
            account_tables,
            missing_in_users,
            missing_in_tasks,
            missing_in_sessions,
            indexes: indexes(connection).map_err(inspect)?,
            triggers: triggers(connection).map_err(inspect)?,
            tasks_estimate: tasks_estimate(connection).map_err(inspect)?,
        })
    }
}

impl SchemaState {
    /// Whether a table exists.
    pub(super) fn has_table(&self, table: &str) -> bool {
        self.found.iter().any(|found| found == table)
    }

    /// Whether a table is missing after [`Step::Create`](super::steps::Step::Create), if that step is needed.
    pub(super) fn is_missing_after_create(&self, table: &str) -> bool {
        !self.has_table(table) && (self.tables || table != "sessions")
    }

    /// Whether a migration is recorded.
    pub(super) fn has_migration(&self, version: &str) -> bool {
        self.versions.iter().any(|recorded| recorded == version)
    }
}

/// The columns to add to a table; none if the table does not exist.
fn missing(
    table: &str,
    columns: &[&Column],
    expected: &Expected,
) -> Result<Vec<&'static str>, MigrateError> {
    if columns.is_empty() {
        return Ok(Vec::new());
    }
    if columns.iter().any(|column| !column.is_plain_table) {
        return Err(not_ours(table, "it is no ordinary table".to_owned()));
    }
    let mut missing = Vec::new();
    for &(name, types, required) in expected {
        match columns.iter().find(|column| column.name == name) {
            Some(column) if !types.contains(&column.sql_type.as_str()) => {
                let sql_type = &column.sql_type;
                let types = types.join(" or ");
                let reason = format!("its column `{name}` is {sql_type} and not {types}");
                return Err(not_ours(table, reason));
            }
            Some(_) => {}
            None if required => {
                return Err(not_ours(table, format!("it has no column `{name}`")));
            }
            None => missing.push(name),
        }
    }
    let is_known = |name: &str| expected.iter().any(|(known, ..)| *known == name);
    match columns
        .iter()
        .find(|column| column.must_be_given && !is_known(&column.name))
    {
        Some(Column { name, .. }) => Err(not_ours(
            table,
            format!("its column `{name}` is unknown and must be given"),
        )),
        None => Ok(missing),
    }
}

fn alone(table: &str, other: &str) -> MigrateError {
    not_ours(table, format!("there is no table `{other}` beside it"))
}

fn versions(connection: &mut PgConnection) -> QueryResult<Vec<String>> {
    let tables: Vec<Name> = sql_query(
        "SELECT relname::text AS name FROM pg_class \
         WHERE oid = to_regclass('__diesel_schema_migrations')",
    )
    .load(connection)?;
    if tables.is_empty() {
        return Ok(Vec::new());
    }
    names(
        connection,
        "SELECT version::text AS name FROM __diesel_schema_migrations ORDER BY version",
    )
}

fn names(connection: &mut PgConnection, sql: &str) -> QueryResult<Vec<String>> {
    let rows: Vec<Name> = sql_query(sql).load(connection)?;
    Ok(rows.into_iter().map(|row| row.name).collect())
}

fn columns(connection: &mut PgConnection) -> QueryResult<Vec<Column>> {
    sql_query(
        "SELECT c.relname::text AS table, c.relkind = 'r' AS is_plain_table, a.attname::text AS name, \
         t.typname::text AS sql_type, \
         a.attnotnull AND NOT a.atthasdef AND a.attidentity = '' AS must_be_given \
         FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid JOIN pg_type t ON t.oid = a.atttypid \
         WHERE c.oid IN (to_regclass('users'), to_regclass('tasks'), to_regclass('sessions'), \
         to_regclass('idempotency_keys'), to_regclass('personal_access_tokens'), \
         to_regclass('mailed_secrets'), to_regclass('guesses'), to_regclass('security_events'), \
         to_regclass('user_usage')) \
         AND a.attnum > 0 AND NOT a.attisdropped ORDER BY c.relname, a.attnum",
    )
    .load(connection)
}

fn indexes(connection: &mut PgConnection) -> QueryResult<BTreeMap<String, bool>> {
    let rows: Vec<Index> = sql_query(
        "SELECT c.relname::text AS name, i.indisvalid AS valid \
         FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid \
         WHERE i.indrelid IN (to_regclass('users'), to_regclass('tasks'))",
    )
    .load(connection)?;
    Ok(rows.into_iter().map(|row| (row.name, row.valid)).collect())
}

fn triggers(connection: &mut PgConnection) -> QueryResult<Vec<String>> {
    names(
        connection,
        "SELECT tgname::text AS name FROM pg_trigger \
         WHERE tgrelid = to_regclass('tasks') AND NOT tgisinternal",
    )
}

fn tasks_estimate(connection: &mut PgConnection) -> QueryResult<i64> {
    let rows: Vec<Number> = sql_query(
        "SELECT reltuples::bigint AS number FROM pg_class WHERE oid = to_regclass('tasks')",
    )
    .load(connection)?;
    Ok(rows.first().map_or(0, |row| row.number))
}
