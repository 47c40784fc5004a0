//! Whether the database can be reached and is as it is needed.

use std::time::Duration;

use todo_domain::ports::StorageError;
use todo_infra::{
    ClockDifference, ConnectError, Database, DatabaseKind, DatabaseUrl, MigrateError,
    MissingTimeout, Privileges, SqliteVersion, SystemClock, Transport,
};

use super::Finding;
use crate::config::DatabaseConfig;

/// From which difference on it is told that clocks differ: tokens expire at the second that they name.
const CLOCKS_DIFFER: Duration = Duration::from_secs(2);

const PRIVILEGES: &str = "privileges";

/// Whether it is made sure that the database is the one that is meant.
pub(super) fn transport(url: &DatabaseUrl, lookup: impl Fn(&str) -> Option<String>) -> Finding {
    let subject = "transport";
    match url.transport(lookup) {
        Transport::Local => Finding::ok(subject, format!("{url} is on this machine")),
        Transport::Verified => Finding::ok(
            subject,
            format!("{url} is reached by TLS, and must prove what it is"),
        ),
        Transport::Unverified { mode } => Finding::warning(
            subject,
            format!(
                "{url} is reached over a network with sslmode={mode}, which talks to whoever answers; \
                 add sslmode=verify-full&sslrootcert=FILE to the URL"
            ),
        ),
    }
}

/// What can be seen only with the database.
pub(super) fn examine(config: DatabaseConfig, deadline: Duration) -> Vec<Finding> {
    let kind = config.url.kind();
    let is_new = config.url.sqlite_file().is_some_and(|file| !file.exists());
    let connections = u64::from(config.pool.all_connections());
    let database = config.database();
    let mut findings = Vec::new();
    if kind == DatabaseKind::Sqlite {
        findings.push(sqlite_version());
    }
    if is_new {
        let text = format!("{} will be made at the first start", database.url());
        findings.push(Finding::ok("database", text));
        return findings;
    }
    let reached = reached(&database);
    let is_away = reached.is_fault();
    findings.push(reached);
    if is_away {
        return findings;
    }
    findings.push(migrations(&database));
    match kind {
        DatabaseKind::Sqlite => findings.push(integrity(&database)),
        DatabaseKind::Postgres => {
            findings.push(clock(&database));
            findings.push(pool(&database, connections));
            findings.extend(privileges(&database));
            findings.push(timeouts(&database, deadline));
        }
    }
    findings
}

fn reached(database: &Database) -> Finding {
    let subject = "database";
    match database.try_to_connect() {
        Ok(()) => Finding::ok(subject, format!("{} can be opened", database.url())),
        Err(error) => Finding::failure(
            subject,
            &error,
            &format!("see to it that {} can be opened", database.url()),
        ),
    }
}

fn migrations(database: &Database) -> Finding {
    let subject = "migrations";
    match database.plan_migration() {
        Ok(steps) if steps.is_empty() => Finding::ok(subject, "there is nothing to migrate"),
        Ok(steps) => Finding::warning(
            subject,
            format!(
                "{} steps are to be taken, which serve does before it serves; see todo-server migrate --dry-run",
                steps.len()
            ),
        ),
        Err(error) => Finding::failure(subject, &error, advice_for(&error)),
    }
}

fn advice_for(error: &MigrateError) -> &'static str {
    match error {
        MigrateError::Connect(_) => {
            "see to it that what DATABASE_MIGRATION_URL or DATABASE_URL names can be opened"
        }
        MigrateError::NotOurs { .. } => "name another database in DATABASE_URL",
        MigrateError::Newer { .. } => "use a newer version of the program",
        _ => "see todo-server migrate",
    }
}

fn sqlite_version() -> Finding {
    let subject = "SQLite";
    match SqliteVersion::linked() {
        Ok(version) if version >= SqliteVersion::OLDEST => {
            Finding::ok(subject, format!("it is of version {version}"))
        }
        Ok(version) => Finding::fault(subject, ConnectError::SqliteTooOld { version }.to_string()),
        Err(error) => Finding::failure(subject, &error, "build the program again"),
    }
}

fn integrity(database: &Database) -> Finding {
    let subject = "integrity";
    let advice = "bring a copy back that was made before";
    match database.check_integrity() {
        Ok(faults) => match faults.unwrap_or_default().as_slice() {
            [] => Finding::ok(subject, format!("{} is whole", database.url())),
            [first, rest @ ..] => Finding::fault(
                subject,
                format!(
                    "{} is damaged: {first}, and {} more; {advice}",
                    database.url(),
                    rest.len()
                ),
            ),
        },
        Err(error) => Finding::failure(subject, &error, advice),
    }
}

fn clock(database: &Database) -> Finding {
    let subject = "clock";
    match database.compare_clocks(&SystemClock) {
        Ok(difference) => difference.map_or_else(
            || Finding::ok(subject, "the database has the clock of this machine"),
            told,
        ),
        Err(error) => not_told(subject, &error),
    }
}

/// What it says that clocks differ by so much.
fn told(difference: ClockDifference) -> Finding {
    let subject = "clock";
    let ClockDifference { ahead, uncertainty } = difference;
    let off = ahead.unsigned_abs();
    if off > CLOCKS_DIFFER + uncertainty.unsigned_abs() {
        let direction = if ahead.is_negative() {
            "behind"
        } else {
            "ahead of"
        };
        return Finding::warning(
            subject,
            format!(
                "the database is {} seconds {direction} this machine; give both one time (NTP)",
                off.as_secs()
            ),
        );
    }
    Finding::ok(subject, "this machine and the database agree")
}

fn pool(database: &Database, connections: u64) -> Finding {
    let subject = "connections";
    match database.connection_limit() {
        Ok(Some(limit)) => compared(connections, limit),
        Ok(None) => Finding::ok(subject, "there is no limit to them"),
        Err(error) => not_told(subject, &error),
    }
}

/// What it says that an instance takes so many connections, of those that there are for all.
fn compared(connections: u64, limit: u64) -> Finding {
    let subject = "connections";
    let text =
        format!("an instance takes up to {connections}, of {limit} that PostgreSQL accepts in all");
    if connections > limit {
        Finding::fault(subject, format!("{text}; lower DATABASE_MAX_CONNECTIONS"))
    } else if connections.saturating_mul(2) > limit {
        Finding::warning(
            subject,
            format!("{text}, so that there is no room for two; lower DATABASE_MAX_CONNECTIONS"),
        )
    } else {
        Finding::ok(subject, text)
    }
}

fn privileges(database: &Database) -> Vec<Finding> {
    match database.privileges() {
        Ok(Some(privileges)) => told_privileges(&privileges),
        Ok(None) => Vec::new(),
        Err(error) => vec![not_told(PRIVILEGES, &error)],
    }
}

/// What it says of the roles of a database that they have these privileges.
fn told_privileges(privileges: &Privileges) -> Vec<Finding> {
    let Privileges {
        role,
        is_superuser,
        schema,
        other_creators,
    } = privileges;
    let mut findings = Vec::new();
    if *is_superuser {
        findings.push(Finding::warning(
            PRIVILEGES,
            format!(
                "the role {role} is a superuser, so that whoever takes this program over has the whole server; use a role of its \
                 own that owns the database"
            ),
        ));
    }
    if !other_creators.is_empty() {
        let others = other_creators.join(", ");
        findings.push(Finding::warning(
            PRIVILEGES,
            format!(
                "others may create tables and functions in the schema {schema}; run REVOKE CREATE ON SCHEMA {schema} FROM {others};"
            ),
        ));
    }
    if findings.is_empty() {
        let text =
            format!("the role {role} is no superuser, and no others create in the schema {schema}");
        findings.push(Finding::ok(PRIVILEGES, text));
    }
    findings
}

fn timeouts(database: &Database, deadline: Duration) -> Finding {
    let subject = "timeouts";
    match database.missing_timeouts(deadline) {
        Ok(missing) => told_missing(&missing),
        Err(error) => not_told(subject, &error),
    }
}

/// What it says that sessions have not these timeouts by themselves.
fn told_missing(missing: &[MissingTimeout]) -> Finding {
    let subject = "timeouts";
    if missing.is_empty() {
        return Finding::ok(subject, "statements have a deadline");
    }
    let names: Vec<_> = missing.iter().map(|missing| missing.name).collect();
    let statements: Vec<_> = missing
        .iter()
        .map(|missing| format!("{};", missing.statement))
        .collect();
    Finding::warning(
        subject,
        format!(
            "behind a pooler, timeouts are those of the role, and it has no {}, or a longer one than \
             REQUEST_DEADLINE_SECONDS; run {}",
            names.join(", "),
            statements.join(" ")
        ),
    )
}

fn not_told(subject: &'static str, error: &StorageError) -> Finding {
    Finding::failure(subject, error, "see whether the database goes on answering")
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(30, 97, "ok")]
    #[case(30, 60, "ok")]
    #[case(30, 59, "warning")]
    #[case(30, 30, "warning")]
    #[case(30, 29, "fault")]
    fn a_pool_must_fit(#[case] connections: u64, #[case] limit: u64, #[case] expected: &str) {
        let finding = compared(connections, limit).to_string();
        assert!(finding.starts_with(expected), "{finding}");
    }

    #[rstest]
    #[case(false, &[], "ok       privileges: the role todo is no superuser")]
    #[case(true, &[], "warning  privileges: the role todo is a superuser")]
    #[case(false, &["PUBLIC", "evil"], "warning  privileges: others may create tables and functions in the schema public; \
        run REVOKE CREATE ON SCHEMA public FROM PUBLIC, evil;")]
    fn privileges_that_are_too_many_are_named(
        #[case] is_superuser: bool,
        #[case] others: &[&str],
        #[case] expected: &str,
    ) {
        let findings = told_privileges(&Privileges {
            role: "todo".to_owned(),
            is_superuser,
            schema: "public".to_owned(),
            other_creators: others.iter().map(ToString::to_string).collect(),
        });
        assert_eq!(findings.len(), 1);
        assert!(
            findings[0].to_string().starts_with(expected),
            "{findings:?}"
        );
    }

    #[test]
    fn it_is_said_which_statements_set_timeouts_of_the_role() {
        let missing = MissingTimeout {
            name: "lock_timeout",
            statement: "ALTER ROLE todo SET lock_timeout = 2000".to_owned(),
        };
        let finding = told_missing(&[missing]).to_string();
        assert!(finding.starts_with("warning"), "{finding}");
        assert!(
            finding.ends_with("run ALTER ROLE todo SET lock_timeout = 2000;"),
            "{finding}"
        );
        assert!(told_missing(&[]).to_string().starts_with("ok"));
    }

    #[rstest]
    #[case(0, 0, "ok       clock: this machine and the database agree")]
    #[case(-2000, 0, "ok       clock: this machine and the database agree")]
    #[case(3000, 1500, "ok       clock: this machine and the database agree")]
    #[case(
        600_000,
        100,
        "warning  clock: the database is 600 seconds ahead of this machine"
    )]
    #[case(-3000, 100, "warning  clock: the database is 3 seconds behind this machine")]
    fn clocks_must_agree(#[case] ahead: i64, #[case] uncertainty: i64, #[case] expected: &str) {
        let finding = told(ClockDifference {
            ahead: SignedDuration::from_millis(ahead),
            uncertainty: SignedDuration::from_millis(uncertainty),
        });
        assert!(finding.to_string().starts_with(expected), "{finding}");
    }

    #[rstest]
    #[case("postgres://ada:hunter2@db.example.com/todo", "warning")]
    #[case(
        "postgres://ada:hunter2@db.example.com/todo?sslmode=require",
        "warning"
    )]
    #[case("postgres://ada:hunter2@db.example.com/todo?sslmode=verify-full", "ok")]
    #[case("postgres://ada:hunter2@localhost/todo", "ok")]
    fn a_database_over_a_network_must_prove_what_it_is(#[case] url: &str, #[case] expected: &str) {
        let finding = transport(&url.parse().unwrap(), |_| None).to_string();
        assert!(finding.starts_with(expected), "{finding}");
        assert!(!finding.contains("hunter2"), "{finding}");
    }
}
