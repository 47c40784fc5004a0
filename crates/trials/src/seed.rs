//! Users and tasks to try the server with, put into a database by `todo-server import`, so that they have the shape that
//! the server itself makes.

use std::{
    fs::File,
    io::{BufWriter, Write as _},
};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime;
use uuid::Uuid;

use crate::{Connection, Request, ServerProgram, TrialDatabase, TrialResult};

/// The password of every user.
pub const PASSWORD: &str = "correct horse battery";

/// Whoever has an account, and how much they have to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Population {
    /// How many users there are.
    pub users: usize,
    /// How many tasks each of them has.
    pub tasks_of_each: usize,
    /// How many further users there are, who have two tasks each.
    pub others: usize,
    /// How many tasks one more user has, who is the last.
    pub tasks_of_last: usize,
}

impl Population {
    /// The address of a user.
    #[must_use]
    pub fn email(user: usize) -> String {
        format!("user{user}@example.com")
    }

    /// The id of a user.
    #[must_use]
    pub fn user_id(user: usize) -> Uuid {
        id(0, user)
    }

    /// The id of a task of a user.
    #[must_use]
    pub fn task_id(user: usize, task: usize) -> Uuid {
        id(user + 1, task)
    }

    fn all_users(self) -> usize {
        self.users + self.others + usize::from(self.tasks_of_last > 0)
    }

    fn tasks_of(self, user: usize) -> usize {
        if user < self.users {
            self.tasks_of_each
        } else if user < self.users + self.others {
            2
        } else {
            self.tasks_of_last
        }
    }

    /// Puts these users and their tasks into an empty database. Their hashes cost what `program` is configured for.
    ///
    /// # Errors
    /// When the server does not take them.
    pub fn seed(self, program: &ServerProgram, database: &TrialDatabase) -> TrialResult<()> {
        let password_hash = password_hash(program)?;
        let folder = TempDir::new()?;
        let file = folder.path().join("seed.jsonl");
        let mut lines = BufWriter::new(File::create(&file)?);
        writeln!(lines, "{}", json!({"format": "todo-export", "version": 1}))?;
        let mut written = 0;
        for user in 0..self.all_users() {
            writeln!(lines, "{}", user_line(user, &password_hash))?;
            let tasks = self.tasks_of(user);
            for task in 0..tasks {
                writeln!(lines, "{}", task_line(user, task))?;
            }
            written += tasks;
        }
        let end = json!({"type": "end", "users": self.all_users(), "tasks": written});
        writeln!(lines, "{end}")?;
        lines.flush()?;
        program.run(database, &["import", &file.display().to_string()])?;
        if let TrialDatabase::Postgres(database) = database {
            database.query("VACUUM ANALYZE")?;
        }
        Ok(())
    }
}

fn user_line(user: usize, password_hash: &str) -> Value {
    json!({
        "type": "user",
        "id": Population::user_id(user).to_string(),
        "email": Population::email(user),
        "name": format!("User {user}"),
        "password_hash": password_hash,
        "email_verified": false,
        "image": null,
        "time_zone": null,
        "created_at": "2026-01-01T00:00:00.000000Z",
        "updated_at": "2026-01-01T00:00:00.000000Z",
    })
}

/// A task of some hundred bytes; every fifth is done.
fn task_line(user: usize, task: usize) -> Value {
    let (second, microsecond) = (task / 1_000_000 % 60, task % 1_000_000);
    let priority = ["low", "medium", "high"].get(task % 3);
    let created_at = format!("2026-02-01T00:00:{second:02}.{microsecond:06}Z");
    json!({
        "type": "task",
        "id": Population::task_id(user, task).to_string(),
        "user_id": Population::user_id(user).to_string(),
        "title": format!("Task {task} of user {user}: water the plants"),
        "description": "Those on the balcony need more than those in the kitchen.",
        "completed_at": task.is_multiple_of(5).then_some(&created_at),
        "priority": priority,
        "due_date": task.is_multiple_of(4).then_some("2026-12-24"),
        "tags": ["home"],
        "created_at": created_at,
        "updated_at": created_at,
        "version": 1,
    })
}

/// A UUID of the seventh version: what it is of in the time, and its number at the end.
fn id(of: usize, number: usize) -> Uuid {
    let [of, number] = [of, number].map(|part| part as u128);
    Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 | (of << 80) | number)
}

/// What the server makes of [`PASSWORD`], found out by an account in a database of its own.
fn password_hash(program: &ServerProgram) -> TrialResult<String> {
    let database = TrialDatabase::sqlite()?;
    let server = program.serve(&database)?;
    let body = json!({"email": "someone@example.com", "password": PASSWORD, "name": "Someone"});
    let request = Request::new("POST", "/api/auth/register").json(&body.to_string());
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut connection = Connection::open(server.address()).await?;
        let answer = connection.send(&request).await?;
        if answer.status == 201 {
            TrialResult::Ok(())
        } else {
            let body = String::from_utf8_lossy(answer.body);
            Err(format!("nobody can register: {body}").into())
        }
    })?;
    drop(server);
    let exported = program.run(&database, &["export", "-"])?;
    let lines = exported.lines().map(serde_json::from_str::<Value>);
    for line in lines {
        if let Some(hash) = line?.get("password_hash").and_then(Value::as_str) {
            return Ok(hash.to_owned());
        }
    }
    Err("the export has no password hash".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_id_is_another_and_of_the_seventh_version() {
        let mut ids = vec![
            Population::user_id(0),
            Population::user_id(99_999),
            Population::task_id(0, 0),
            Population::task_id(0, 99_999),
            Population::task_id(99_999, 0),
            Population::task_id(1, 1),
        ];
        for id in &ids {
            assert_eq!(id.get_version_num(), 7);
            assert_eq!(id.get_variant(), uuid::Variant::RFC4122);
        }
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), 6);
    }
}
