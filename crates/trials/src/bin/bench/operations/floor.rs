//! The floor of an operation: PostgreSQL by itself, with the statements that the server sends for it.
//!
//! The statements are taken from the log of PostgreSQL while the server answers one request, so they are the server's
//! whatever it sends. What names the user, the session and the task in them becomes that of any user, computed from a
//! random number, as `pgbench` knows no others; the ids of what is created are random.

use std::{cell::RefCell, sync::Arc};

use serde_json::Value;
use todo_trials::{
    Answer, Asked, Connection, Operation, Population, PostgresDatabase, Requests, Script,
    Statement, TrialDatabase, TrialResult, pgbench, statements_of,
};

use super::{POPULATION, Subject};
use crate::trial::{Databases, runtime};

/// The user, and the task, of the request that is looked at.
const USER: usize = 0;
const TASK: usize = 7;

/// The ids of any user, of a session of it, and of any task of it, as `Population` makes them.
const ANY_USER: &str = "('01900000-0000-7000-8000-' || lpad(to_hex(:user::int), 12, '0'))::uuid";
const ANY_SESSION: &str = "('01900000-ffff-7000-8000-' || lpad(to_hex(:user::int), 12, '0'))::uuid";
const ANY_TASK: &str = "('01900000-' || lpad(to_hex(:user::int + 1), 4, '0') || '-7000-8000-' \
                        || lpad(to_hex(:task::int), 12, '0'))::uuid";

/// What `pgbench` is to do.
pub(crate) struct Floor<'a> {
    database: &'a PostgresDatabase,
    all: Vec<Script>,
    alone: Vec<Script>,
    /// How many statements the server sends.
    pub(crate) round_trips: usize,
}

impl<'a> Floor<'a> {
    /// The floor of an operation; `None` where there is none: on SQLite, and where each request depends on the one
    /// before.
    pub(crate) fn of(
        databases: &Databases,
        subject: &'a Subject,
        operation: Operation,
    ) -> TrialResult<Option<Self>> {
        let TrialDatabase::Postgres(database) = &subject.database else {
            return Ok(None);
        };
        let parts: &[(Operation, usize)] = match operation {
            Operation::Login | Operation::Refresh | Operation::Batch => return Ok(None),
            Operation::Mix => &[
                (Operation::List, 70),
                (Operation::Get, 15),
                (Operation::Create, 10),
                (Operation::Toggle, 5),
            ],
            single => &[(single, 1)],
        };
        make_sessions(database)?;
        say_that_sessions_were_used(database)?;
        let known = Known::of(database)?;
        let mut floor = Self {
            database,
            all: Vec::new(),
            alone: Vec::new(),
            round_trips: 0,
        };
        for (operation, weight) in parts {
            let token = subject.accounts.tokens.get(USER).map_or("", String::as_str);
            let asked = || Asked::about_a_task(*operation, USER, TASK, token);
            let statements = statements(databases, subject, asked, |_| ())?;
            floor.round_trips = floor.round_trips.max(statements.len());
            let statements = statements.iter();
            let lines: Vec<_> = statements
                .map(|statement| known.to_any(statement))
                .collect();
            floor.all.push(script(&lines, *weight));
            let last = lines.len().saturating_sub(1);
            let last = lines.get(last..).unwrap_or_default();
            floor.alone.push(script(last, *weight));
        }
        Ok(Some(floor))
    }

    /// How often PostgreSQL does in a second what a request takes, and how often the last statement of it alone.
    pub(crate) fn measure(&self, connections: usize, seconds: u64) -> TrialResult<(f64, f64)> {
        let all = pgbench(self.database, &self.all, connections, seconds)?;
        let alone = if self.round_trips == 1 {
            all
        } else {
            pgbench(self.database, &self.alone, connections, seconds)?
        };
        Ok((all, alone))
    }
}

fn script(statements: &[String], weight: usize) -> Script {
    let [users, tasks] = [POPULATION.users, POPULATION.tasks_of_each].map(|count| count - 1);
    Script {
        text: format!(
            "\\set user random(0, {users})\n\\set task random(0, {tasks})\n{};\n",
            statements.join(";\n")
        ),
        weight,
    }
}

/// Gives each user a session whose id can be computed, besides those that there are.
fn make_sessions(database: &PostgresDatabase) -> TrialResult<()> {
    let sql = "INSERT INTO sessions
        SELECT made.* FROM (SELECT DISTINCT ON (user_id) * FROM sessions) AS kept,
            jsonb_populate_record(kept::sessions, jsonb_build_object('id',
                '01900000-ffff' || substr(kept.user_id::text, 14))) AS made
        ON CONFLICT DO NOTHING";
    database.query(sql).map(drop)
}

/// How many statements the server sends for a request that depends on the one before, and so has no floor; `None` on
/// SQLite.
pub(crate) fn round_trips(
    databases: &Databases,
    subject: &Subject,
    operation: Operation,
) -> TrialResult<Option<usize>> {
    let TrialDatabase::Postgres(database) = &subject.database else {
        return Ok(None);
    };
    say_that_sessions_were_used(database)?;
    let mut accounts = subject.accounts.clone();
    if operation == Operation::Refresh {
        // Those that there are have been replaced, or are about to be.
        accounts.refresh_tokens = vec![log_in(subject)?];
    }
    let requests = RefCell::new(Requests::new(operation, Arc::new(accounts), 0));
    let statements = statements(
        databases,
        subject,
        || requests.borrow_mut().following(),
        |answer| requests.borrow_mut().answered(answer),
    )?;
    Ok(Some(statements.len()))
}

/// Logs somebody in, and gives the refresh token.
fn log_in(subject: &Subject) -> TrialResult<String> {
    let accounts = Arc::new(subject.accounts.clone());
    let asked = Requests::new(Operation::Login, accounts, 0).following();
    runtime()?.block_on(async {
        let mut connection = Connection::open(subject.server.address()).await?;
        let answer = connection.send(&asked.request).await?.json()?;
        let token = answer.get("refresh_token").and_then(Value::as_str);
        Ok(token.ok_or("a login gave no refresh token")?.to_owned())
    })
}

/// Statements demand that their session was used a moment ago; else that is recorded, by one more.
fn say_that_sessions_were_used(database: &PostgresDatabase) -> TrialResult<()> {
    let sql = "UPDATE sessions SET last_used_at = now() AT TIME ZONE 'UTC'";
    database.query(sql).map(drop)
}

/// The statements of one request.
fn statements(
    databases: &Databases,
    subject: &Subject,
    following: impl Fn() -> Asked,
    answered: impl Fn(&Answer<'_>),
) -> TrialResult<Vec<Statement>> {
    let server = databases.postgres().ok_or("PostgreSQL was not started")?;
    let runtime = runtime()?;
    let ask = || {
        runtime.block_on(async {
            let asked = following();
            let mut connection = Connection::open(subject.server.address()).await?;
            let answer = connection.send(&asked.request).await?;
            answered(&answer);
            if answer.status == asked.status {
                Ok(())
            } else {
                Err(format!("{asked:?}: answered with {}", answer.status).into())
            }
        })
    };
    // The first of a minute records that the session was used, and one on a new connection prepares its statements.
    ask()?;
    let ((), statements) = statements_of(server, ask)?;
    Ok(statements)
}

/// What of the user stands in the statements of a request.
struct Known {
    user: String,
    sessions: Vec<String>,
    task: String,
}

impl Known {
    fn of(database: &PostgresDatabase) -> TrialResult<Self> {
        let user = Population::user_id(USER).to_string();
        let sql = format!("SELECT id FROM sessions WHERE user_id = '{user}'");
        let sessions = database.query(&sql)?;
        Ok(Self {
            user,
            sessions: sessions.lines().map(str::to_owned).collect(),
            task: Population::task_id(USER, TASK).to_string(),
        })
    }

    /// The text of a statement that is about this user, as one that is about any.
    fn to_any(&self, statement: &Statement) -> String {
        let value = |number: usize| {
            let index = number.checked_sub(1);
            let value = index.and_then(|index| statement.parameters.get(index)?.as_ref());
            value.map_or("NULL".to_owned(), |value| self.literal(value))
        };
        let mut parts = statement.text.split('$');
        let mut text = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let end = part.find(|c: char| !c.is_ascii_digit());
            let (number, rest) = part.split_at(end.unwrap_or(part.len()));
            text.push_str(&value(number.parse().unwrap_or_default()));
            text.push_str(rest);
        }
        text
    }

    fn literal(&self, value: &str) -> String {
        if value == self.user {
            ANY_USER.to_owned()
        } else if self.sessions.iter().any(|session| session == value) {
            ANY_SESSION.to_owned()
        } else if value == self.task {
            ANY_TASK.to_owned()
        } else if is_uuid(value) {
            "gen_random_uuid()".to_owned()
        } else if is_instant(value) {
            format!("'{value}'::timestamp")
        } else if ["t", "f"].contains(&value) {
            format!("'{value}'::bool")
        } else {
            // `pgbench` takes a colon before a name for one of its variables.
            format!("'{}'", value.replace('\'', "''").replace(':', " "))
        }
    }
}

fn is_uuid(value: &str) -> bool {
    value.len() == 36 && value.split('-').map(str::len).eq([8, 4, 4, 4, 12])
}

/// Such as `2026-11-21 14:00:00`.
fn is_instant(value: &str) -> bool {
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    value.len() >= 19
        && value.as_bytes().get(10) == Some(&b' ')
        && value.get(..4).is_some_and(digits)
        && value.get(11..13).is_some_and(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_about_one_becomes_one_about_any() {
        let known = Known {
            user: "the user".to_owned(),
            sessions: vec!["a session".to_owned()],
            task: "the task".to_owned(),
        };
        let statement = Statement {
            text: "SELECT $1, $2, $3, $4, $5, $6 LIMIT $7".to_owned(),
            parameters: [
                Some("the user"),
                Some("a session"),
                Some("the task"),
                None,
                Some("2026-11-21 14:00:00.5"),
                Some("it's"),
                Some("21"),
            ]
            .map(|value| value.map(str::to_owned))
            .to_vec(),
        };
        assert_eq!(
            known.to_any(&statement),
            format!(
                "SELECT {ANY_USER}, {ANY_SESSION}, {ANY_TASK}, NULL, \
                 '2026-11-21 14:00:00.5'::timestamp, 'it''s' LIMIT '21'"
            )
        );
    }

    #[test]
    fn ids_are_computed_as_they_were_made() {
        // What the expressions above give for the user 255 and its task 16, in SQL.
        let [user, task] = [Population::user_id(255), Population::task_id(255, 16)];
        assert_eq!(user.to_string(), "01900000-0000-7000-8000-0000000000ff");
        assert_eq!(task.to_string(), "01900000-0100-7000-8000-000000000010");
    }
}
