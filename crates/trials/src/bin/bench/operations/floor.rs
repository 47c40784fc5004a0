//! The floor of an operation: PostgreSQL by itself, with the statements that the server sends for it.
//!
//! The statements are taken from the log of PostgreSQL while the server answers one request, so they are the server's
//! whatever it sends. What names the user, the session and the task in them becomes that of any of some users; the ids
//! of what is created are random.

use todo_trials::{
    Asked, Connection, Operation, Population, PostgresDatabase, Script, Statement, TrialDatabase,
    TrialResult, pgbench, statements_of,
};

use super::{POPULATION, Subject};
use crate::trial::{Databases, runtime};

/// How many users there are: `pgbench` takes 128 scripts at most, and the mix has four for each.
const USERS: usize = 30;

/// The task that the request is about which is looked at.
const TASK: usize = 7;

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
        // The statements demand that the session was used a moment ago, and those of the other users are to be found, too.
        database.query("UPDATE sessions SET last_used_at = now() AT TIME ZONE 'UTC'")?;
        let sessions = sessions(database)?;
        let mut floor = Self {
            database,
            all: Vec::new(),
            alone: Vec::new(),
            round_trips: 0,
        };
        for (operation, weight) in parts {
            let statements = statements(databases, subject, *operation)?;
            floor.round_trips = floor.round_trips.max(statements.len());
            let known = Known::of(0, &sessions)?;
            for user in 0..USERS {
                let other = Known::of(user, &sessions)?;
                let lines = statements.iter();
                let lines: Vec<String> = lines
                    .map(|statement| known.to_other(&other, statement))
                    .collect();
                let script = |lines: &[String]| Script {
                    text: format!(
                        "\\set task random(0, {})\n{};\n",
                        POPULATION.tasks_of_each - 1,
                        lines.join(";\n")
                    ),
                    weight: *weight,
                };
                floor.all.push(script(&lines));
                floor.alone.push(script(
                    lines
                        .split_last()
                        .map_or(&[], |(last, _)| std::slice::from_ref(last)),
                ));
            }
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

/// The session of each of the first users.
fn sessions(database: &PostgresDatabase) -> TrialResult<Vec<(String, String)>> {
    let rows = database.query("SELECT user_id, min(id::text) FROM sessions GROUP BY user_id")?;
    let pairs = rows.lines().filter_map(|line| line.split_once('|'));
    Ok(pairs
        .map(|(user, id)| (user.to_owned(), id.to_owned()))
        .collect())
}

/// The statements of one request of the first user, about the task [`TASK`].
fn statements(
    databases: &Databases,
    subject: &Subject,
    operation: Operation,
) -> TrialResult<Vec<Statement>> {
    let server = databases.postgres().ok_or("PostgreSQL was not started")?;
    let token = subject.accounts.tokens.first().map_or("", String::as_str);
    let asked = Asked::about_a_task(operation, 0, TASK, token);
    let runtime = runtime()?;
    let ask = || {
        runtime.block_on(async {
            let mut connection = Connection::open(subject.server.address()).await?;
            let status = connection.send(&asked.request).await?.status;
            if status == asked.status {
                Ok(())
            } else {
                Err(format!("{}: answered with {status}", operation.name()).into())
            }
        })
    };
    // The first of a minute records that the session was used, and one on a new connection prepares its statements.
    ask()?;
    let ((), statements) = statements_of(server, ask)?;
    Ok(statements)
}

/// What of a user stands in the statements of a request.
struct Known {
    user: String,
    session: String,
    task: String,
    /// The id of a task without its last group.
    task_prefix: String,
}

impl Known {
    fn of(user: usize, sessions: &[(String, String)]) -> TrialResult<Self> {
        let id = Population::user_id(user).to_string();
        let session = sessions.iter().find(|(of, _)| *of == id);
        let (_, session) = session.ok_or("a user without a session")?;
        let task = Population::task_id(user, TASK).to_string();
        let (prefix, _) = task.rsplit_once('-').ok_or("an id without groups")?;
        Ok(Self {
            session: session.clone(),
            task_prefix: prefix.to_owned(),
            user: id,
            task,
        })
    }

    /// The text of a statement that is about us, as one that is about `other`.
    fn to_other(&self, other: &Self, statement: &Statement) -> String {
        let value = |number: usize| {
            let index = number.checked_sub(1);
            let value = index.and_then(|index| statement.parameters.get(index));
            match value.cloned().flatten() {
                None => "NULL".to_owned(),
                Some(value) => self.literal(other, &value),
            }
        };
        let mut text = String::new();
        let mut parts = statement.text.split('$');
        text.push_str(parts.next().unwrap_or_default());
        for part in parts {
            let end = part.find(|c: char| !c.is_ascii_digit());
            let (number, rest) = part.split_at(end.unwrap_or(part.len()));
            text.push_str(&value(number.parse().unwrap_or_default()));
            text.push_str(rest);
        }
        text
    }

    fn literal(&self, other: &Self, value: &str) -> String {
        if value == self.user {
            format!("'{}'::uuid", other.user)
        } else if value == self.session {
            format!("'{}'::uuid", other.session)
        } else if value == self.task {
            let prefix = &other.task_prefix;
            format!("('{prefix}-' || lpad(to_hex(:task::int), 12, '0'))::uuid")
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

    fn known(name: &str) -> Known {
        Known {
            user: format!("{name} user"),
            session: format!("{name} session"),
            task: format!("{name}-task"),
            task_prefix: name.to_owned(),
        }
    }

    #[test]
    fn a_statement_about_one_becomes_one_about_another() {
        let statement = Statement {
            text: "SELECT $1, $2, $3, $4, $5, $6 LIMIT $7".to_owned(),
            parameters: [
                Some("a user"),
                Some("a session"),
                Some("a-task"),
                None,
                Some("2026-11-21 14:00:00.5"),
                Some("it's"),
                Some("21"),
            ]
            .map(|value| value.map(str::to_owned))
            .to_vec(),
        };
        assert_eq!(
            known("a").to_other(&known("b"), &statement),
            "SELECT 'b user'::uuid, 'b session'::uuid, \
             ('b-' || lpad(to_hex(:task::int), 12, '0'))::uuid, NULL, \
             '2026-11-21 14:00:00.5'::timestamp, 'it''s' LIMIT '21'"
        );
    }
}
