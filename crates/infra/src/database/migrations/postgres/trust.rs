//! Whether the tables that are there can be trusted: nobody but their owner decides what happens when they are used.
//!
//! Whoever owns a table, or has put a trigger on it, has statements run by our role, and sees what we write. So tables of
//! our names are used only if they belong to our role or to one that it is a member of, and have no triggers, rules or
//! policies but ours.

use diesel::{
    PgConnection, QueryResult, QueryableByName, RunQueryDsl, sql_query,
    sql_types::{Array, Bool, Nullable, Text},
};

use super::{super::MigrateError, expected_columns::MIGRATIONS_TABLE, steps::ALL_TRIGGERS};

/// The tables, in the order in which they are looked at, and what becomes of their rows when their user is deleted.
const TABLES: [(&str, ForeignKey); 10] = [
    (MIGRATIONS_TABLE, ForeignKey::None),
    ("users", ForeignKey::None),
    // Another backend may delete the tasks itself.
    ("tasks", ForeignKey::OfUser),
    ("sessions", ForeignKey::Cascading),
    ("idempotency_keys", ForeignKey::Cascading),
    ("personal_access_tokens", ForeignKey::Cascading),
    ("mailed_secrets", ForeignKey::Cascading),
    ("guesses", ForeignKey::None),
    ("security_events", ForeignKey::Cascading),
    ("user_usage", ForeignKey::Cascading),
];

/// The foreign key that a table must have.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ForeignKey {
    None,
    /// From `user_id` to users.
    OfUser,
    /// The same, which deletes the rows with their user.
    Cascading,
}

/// The functions that those of triggers call.
const HELPERS: [&str; 2] = ["todo_fold", "todo_task_bytes"];

/// The oids of the current role and of those that it is a member of. `pg_has_role` would not do: a superuser has every
/// role.
const ROLES: &str = "WITH RECURSIVE roles (oid) AS (\
    SELECT oid FROM pg_roles WHERE rolname = current_user \
    UNION SELECT m.roleid FROM pg_auth_members m JOIN roles r ON m.member = r.oid)";

#[derive(QueryableByName)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "it is a row of answers of the catalogue"
)]
struct Found {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    owner: String,
    /// Whether our role owns it, or is a member of the role that does.
    #[diesel(sql_type = Bool)]
    is_own: bool,
    /// Whether its owner can do in this database whatever it wants.
    #[diesel(sql_type = Bool)]
    is_of_administrator: bool,
    /// A trigger that is not ours.
    #[diesel(sql_type = Nullable<Text>)]
    trigger: Option<String>,
    #[diesel(sql_type = Bool)]
    has_rule: bool,
    #[diesel(sql_type = Bool)]
    has_row_security: bool,
    #[diesel(sql_type = Bool)]
    has_foreign_key: bool,
    #[diesel(sql_type = Bool)]
    is_cascading: bool,
}

#[derive(QueryableByName)]
struct Function {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    owner: String,
    #[diesel(sql_type = Bool)]
    is_of_administrator: bool,
}

/// The tables and functions that are there, with what tells who controls them.
pub(super) struct Existing {
    tables: Vec<Found>,
    functions: Vec<Function>,
}

impl Existing {
    /// Looks at the catalogue, and at no table: even reading one may run what its owner wants.
    pub(super) fn look(connection: &mut PgConnection) -> QueryResult<Self> {
        Ok(Self {
            tables: tables(connection)?,
            functions: foreign_functions(connection)?,
        })
    }

    /// The names of the tables.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.tables.iter().map(|found| found.name.as_str())
    }

    /// Refuses a table of migrations that others control, before it is read.
    pub(super) fn check_migrations_table(&self) -> Result<(), MigrateError> {
        self.check_table(MIGRATIONS_TABLE, ForeignKey::None, true)
    }

    /// Refuses tables and functions that others control.
    ///
    /// Where nothing is left to migrate, tables may also be those of the database's owner or of a superuser, who has
    /// migrated them for a role that may not.
    pub(super) fn check(&self, is_migrated: bool) -> Result<(), MigrateError> {
        for (table, foreign_key) in TABLES {
            self.check_table(table, foreign_key, is_migrated)?;
        }
        let mut functions = self.functions.iter();
        match functions.find(|function| !(is_migrated && function.is_of_administrator)) {
            None => Ok(()),
            Some(Function { name, owner, .. }) => {
                let reason =
                    format!("the function `{name}` of its triggers belongs to the role `{owner}`");
                Err(not_ours("tasks", reason))
            }
        }
    }

    fn check_table(
        &self,
        table: &str,
        foreign_key: ForeignKey,
        is_migrated: bool,
    ) -> Result<(), MigrateError> {
        let found = self.tables.iter().find(|found| found.name == table);
        match found.and_then(|found| fault(found, foreign_key, is_migrated)) {
            Some(reason) => Err(not_ours(table, reason)),
            None => Ok(()),
        }
    }
}

fn fault(found: &Found, foreign_key: ForeignKey, is_migrated: bool) -> Option<String> {
    if !(found.is_own || is_migrated && found.is_of_administrator) {
        return Some(format!(
            "its owner is the role `{}`, which is neither the current role nor one that it is a member of",
            found.owner
        ));
    }
    if let Some(trigger) = &found.trigger {
        return Some(format!("its trigger `{trigger}` is unknown"));
    }
    if found.has_rule {
        return Some("it has a rule".to_owned());
    }
    if found.has_row_security {
        return Some("it has row-level security".to_owned());
    }
    match foreign_key {
        ForeignKey::OfUser | ForeignKey::Cascading if !found.has_foreign_key => {
            Some("its column `user_id` has no foreign key to users".to_owned())
        }
        ForeignKey::Cascading if !found.is_cascading => {
            Some("its rows are not deleted with their user (ON DELETE CASCADE)".to_owned())
        }
        _ => None,
    }
}

pub(super) fn not_ours(table: &str, reason: String) -> MigrateError {
    MigrateError::NotOurs {
        table: table.to_owned(),
        reason,
    }
}

fn tables(connection: &mut PgConnection) -> QueryResult<Vec<Found>> {
    let names = TABLES.map(|(table, _)| table.to_owned());
    let triggers: Vec<_> = ALL_TRIGGERS
        .iter()
        .map(|(table, trigger)| format!("{table}.{trigger}"))
        .collect();
    // Of the foreign keys, those of `user_id` alone to users.
    let foreign_keys = "pg_constraint k JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1] \
        WHERE k.conrelid = c.oid AND k.contype = 'f' AND k.confrelid = to_regclass('users') \
        AND cardinality(k.conkey) = 1 AND a.attname = 'user_id' AND k.convalidated";
    sql_query(format!(
        "{ROLES} SELECT c.relname::text AS name, o.rolname::text AS owner, \
         c.relowner IN (SELECT oid FROM roles) AS is_own, \
         o.rolsuper OR o.oid = (SELECT datdba FROM pg_database WHERE datname = current_database()) \
         AS is_of_administrator, \
         (SELECT min(t.tgname::text) FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid \
         WHERE t.tgrelid = c.oid AND NOT t.tgisinternal AND NOT ( \
         c.relname || '.' || t.tgname = ANY ($2) AND p.proname = t.tgname AND p.pronamespace = c.relnamespace)) AS trigger, \
         EXISTS (SELECT FROM pg_rewrite w WHERE w.ev_class = c.oid) AS has_rule, \
         c.relrowsecurity OR EXISTS (SELECT FROM pg_policy y WHERE y.polrelid = c.oid) AS has_row_security, \
         EXISTS (SELECT FROM {foreign_keys}) AS has_foreign_key, \
         EXISTS (SELECT FROM {foreign_keys} AND k.confdeltype = 'c') AS is_cascading \
         FROM pg_class c JOIN pg_roles o ON o.oid = c.relowner \
         WHERE c.oid IN (SELECT to_regclass(name) FROM unnest($1) AS names (name))"
    ))
    .bind::<Array<Text>, _>(names.to_vec())
    .bind::<Array<Text>, _>(triggers)
    .load(connection)
}

/// The functions of our names in the schema of our tables that belong to others.
fn foreign_functions(connection: &mut PgConnection) -> QueryResult<Vec<Function>> {
    let triggers = ALL_TRIGGERS.iter().map(|(_, trigger)| *trigger);
    let names: Vec<_> = HELPERS.into_iter().chain(triggers).collect();
    sql_query(format!(
        "{ROLES} SELECT p.proname::text AS name, o.rolname::text AS owner, \
         o.rolsuper OR o.oid = (SELECT datdba FROM pg_database WHERE datname = current_database()) \
         AS is_of_administrator \
         FROM pg_proc p JOIN pg_roles o ON o.oid = p.proowner \
         WHERE p.pronamespace = to_regnamespace(quote_ident(current_schema())) \
         AND p.proname::text = ANY ($1) AND p.proowner NOT IN (SELECT oid FROM roles) ORDER BY 1, 2"
    ))
    .bind::<Array<Text>, _>(names)
    .load(connection)
}
