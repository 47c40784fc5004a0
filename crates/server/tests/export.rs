//! `todo-server export` and `todo-server import`, as whoever runs them sees them.

#![expect(
    clippy::unwrap_used,
    reason = "tests fail by panicking, their helpers too"
)]

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use rstest::rstest;
use serde_json::{Value, json};
use tempfile::TempDir;
use todo_testkit::{
    Kind::{self, Postgres, Sqlite},
    TestDatabase,
};

/// A database, and a folder for files.
struct Place {
    database: TestDatabase,
    folder: TempDir,
}

impl Place {
    fn new(kind: Kind) -> Option<Self> {
        Some(Self {
            database: TestDatabase::new(kind)?,
            folder: TempDir::new().unwrap(),
        })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_todo-server"));
        command
            .args(arguments)
            .env_clear()
            .env("DATABASE_URL", self.database.url())
            .env("JWT_SECRET", "a secret of no less than 32 bytes")
            .current_dir(self.folder.path());
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Exports to standard output.
    fn exported(&self, arguments: &[&str]) -> String {
        let output = self.run(&[&["export"], arguments, &["-"]].concat());
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
    }

    /// Imports from standard input.
    fn import(&self, file: &str) -> Output {
        let mut child = self
            .command(&["import", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // A file that is refused early is not read to its end.
        drop(stdin.write_all(file.as_bytes()));
        drop(stdin);
        child.wait_with_output().unwrap()
    }

    /// Imports what is to be refused, makes sure that nothing remains of it, and gives what was said.
    fn refused(&self, file: &str) -> String {
        assert!(self.run(&["migrate"]).status.success());
        let before = self.exported(&[]);
        let output = self.import(file);
        assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
        assert_eq!(self.exported(&[]), before);
        text(&output.stderr)
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn id(number: usize) -> String {
    format!("0192f0c1-2345-7abc-8def-{number:012x}")
}

fn user(number: usize, email: &str) -> Value {
    json!({
        "type": "user", "id": id(number), "email": email, "name": "Ada 👩‍💻",
        "password_hash": "$argon2id$a-hash", "email_verified": true, "image": null,
        "time_zone": "Europe/Berlin", "created_at": "2026-12-01T09:30:00.000001Z",
        "updated_at": "2026-12-01T09:30:00.000002Z",
    })
}

fn task(number: usize, user: usize) -> Value {
    let priorities = ["low", "medium", "high"];
    let tags = ["ünï 🦀", "100%_\\"];
    let dues = [
        json!(null),
        json!("2026-12-05"),
        json!("2026-12-01T09:30:00.5-09:30"),
        json!("2026-12-01T00:00:00Z"),
    ];
    json!({
        "type": "task", "id": id(number), "user_id": id(user), "title": format!("Milk {number} 🥛"),
        "description": (number % 2 == 0).then_some("two\n\tlitres \"of\" oats\\"),
        "completed_at": (number % 3 == 0).then_some("2026-12-02T00:00:00.000000Z"),
        "priority": priorities[number % 3],
        "due_date": dues[number % 4], "tags": tags[..number % 3],
        "created_at": format!("2026-12-01T09:30:00.{number:06}Z"),
        "updated_at": "2026-12-01T09:30:00.000002Z", "version": 1 + number,
    })
}

fn header() -> Value {
    json!({"format": "todo-export", "version": 1})
}

fn end(users: usize, tasks: usize) -> Value {
    json!({"type": "end", "users": users, "tasks": tasks})
}

fn file(lines: &[Value]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// Two users with several hundred tasks, and one without a name, a hash, or a task.
fn much() -> Vec<Value> {
    let mut lines = vec![header(), user(1, "ada@example.com")];
    lines.extend((1_000..1_700).map(|number| task(number, 1)));
    lines.push(user(2, "grace@example.com"));
    lines.extend((2_000..2_100).map(|number| task(number, 2)));
    let mut bare = user(3, "Old@Example");
    for field in ["name", "password_hash", "time_zone"] {
        bare[field] = Value::Null;
    }
    lines.extend([bare, end(3, 800)]);
    lines
}

fn values(file: &str) -> Vec<Value> {
    file.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn from_one_kind_of_database_to_the_other_and_back_nothing_changes() {
    let (Some(first), Some(second), Some(third)) =
        (Place::new(Sqlite), Place::new(Postgres), Place::new(Sqlite))
    else {
        return;
    };
    let imported = first.import(&file(&much()));
    assert_eq!(
        text(&imported.stderr).lines().last(),
        Some("Imported 3 users and 800 tasks")
    );
    let exported = first.exported(&[]);
    assert_eq!(values(&exported), much());
    for next in [&second, &third] {
        let imported = next.import(&exported);
        assert!(imported.status.success(), "{}", text(&imported.stderr));
        assert!(next.exported(&[]) == exported);
    }
}

#[test]
fn a_file_is_written_whole_and_for_its_owner_alone() {
    let place = Place::new(Sqlite).unwrap();
    place.import(&file(&much()));
    fs::write(place.path("all.jsonl"), "an earlier one").unwrap();
    let output = place.run(&["export", "all.jsonl"]);
    assert_eq!(
        text(&output.stderr).lines().last(),
        Some("Exported 3 users and 800 tasks")
    );
    assert_eq!(text(&output.stdout), "");
    assert_eq!(
        fs::read_to_string(place.path("all.jsonl")).unwrap(),
        place.exported(&[])
    );
    let names: Vec<_> = fs::read_dir(place.folder.path()).unwrap().collect();
    assert_eq!(names.len(), 1, "{names:?}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(place.path("all.jsonl"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let other = Place::new(Sqlite).unwrap();
    let from = place.path("all.jsonl");
    assert!(
        other
            .run(&["import", from.to_str().unwrap()])
            .status
            .success()
    );
    assert!(other.exported(&[]) == place.exported(&[]));
}

#[test]
fn one_user_is_exported_without_the_others() {
    let place = Place::new(Sqlite).unwrap();
    place.import(&file(&much()));
    let lines = values(&place.exported(&["--user", "Grace@Example.com"]));
    assert_eq!(lines.len(), 103);
    assert_eq!(lines[1]["email"], "grace@example.com");
    assert_eq!(lines[102], end(1, 100));

    let output = place.run(&["export", "--user", "nobody@example.com", "none.jsonl"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("there is no user with this e-mail address"));
    assert!(!Path::new(&place.path("none.jsonl")).exists());
}

#[rstest]
#[case::not_json(3, "{", "line 4 cannot be used: it is not a JSON object")]
#[case::a_blank_line(3, "", "line 4 cannot be used: it is not a JSON object")]
#[case::another_version(
    0,
    r#"{"format":"todo-export","version":2}"#,
    "line 1 cannot be used: version is 2, which a newer todo-server wrote"
)]
#[case::another_format(
    0,
    r#"{"format":"csv","version":1}"#,
    "line 1 cannot be used: format must be todo-export"
)]
#[case::another_header(
    0,
    r#"{"format":"todo-export","version":1,"by":"me"}"#,
    "line 1 cannot be used: by is not known here"
)]
#[case::another_type(
    3,
    r#"{"type":"session"}"#,
    "line 4 cannot be used: type must be user, task or end"
)]
#[case::wrong_counts(
    102,
    r#"{"type":"end","users":1,"tasks":9}"#,
    "line 103 cannot be used: tasks is 9, but there are 100 before it"
)]
#[case::an_early_end(
    3,
    r#"{"type":"end","users":1,"tasks":1}"#,
    "line 5 cannot be used: nothing may follow the line of type end"
)]
fn a_line_that_cannot_be_used_is_named(
    #[case] index: usize,
    #[case] line: &str,
    #[case] said: &str,
    #[values(Sqlite, Postgres)] kind: Kind,
) {
    let Some(place) = Place::new(kind) else {
        return;
    };
    let mut lines = vec![header().to_string(), user(1, "ada@example.com").to_string()];
    lines.extend((1_000..1_100).map(|number| task(number, 1).to_string()));
    lines.push(end(1, 100).to_string());
    lines[index] = line.to_owned();
    let message = place.refused(&(lines.join("\n") + "\n"));
    assert!(message.contains(said), "{message}");
}

#[rstest]
#[case::no_id("id", json!("42"), "id must be a UUID")]
#[case::nul("title", json!("a\u{0}b"), "title must not contain the control character U+0000 (NUL)")]
#[case::no_text("title", json!(null), "title must be a text")]
#[case::no_text_nor_null("description", json!(7), "description must be a text or null")]
#[case::no_instant("created_at", json!("tomorrow"), "created_at must be a date and time")]
#[case::no_priority("priority", json!("urgent"), "priority must be low, medium or high")]
#[case::no_due_date("due_date", json!("2026-02-30"), "due_date must be a date that exists")]
#[case::no_tags("tags", json!("home"), "tags must be a list of texts")]
#[case::an_empty_tag("tags", json!([" "]), "tags must not be empty")]
#[case::no_version("version", json!(-1), "version must be a whole number")]
#[case::unknown("colour", json!("red"), "colour is not known here")]
#[case::of_nobody("user_id", json!(id(7)), "the task is not of the user before it (user_id)")]
fn a_field_that_cannot_be_used_is_named(
    #[case] field: &str,
    #[case] value: Value,
    #[case] said: &str,
) {
    let place = Place::new(Sqlite).unwrap();
    let mut lines = much();
    lines[600][field] = value;
    let message = place.refused(&file(&lines));
    assert!(
        message.contains(&format!("line 601 cannot be used: {said}")),
        "{message}"
    );
}

#[rstest]
fn a_field_that_is_missing_or_there_twice_is_named() {
    let place = Place::new(Sqlite).unwrap();
    let mut lines = much();
    lines[600].as_object_mut().unwrap().remove("tags");
    let message = place.refused(&file(&lines));
    assert!(
        message.contains("line 601 cannot be used: tags is missing"),
        "{message}"
    );
    let twice = file(&much()).replacen(r#""version":"#, r#""version":1,"version":"#, 1);
    let message = place.refused(&twice);
    assert!(
        message.contains("line 1 cannot be used: version is there more than once"),
        "{message}"
    );
}

#[rstest]
#[case::nothing("", "it ends after line 0 without its last line, so it is not whole")]
#[case::the_last_line(
    "{\"type\":\"end\"",
    "it ends after line 804 without its last line, so it is not whole"
)]
#[case::within_a_line(
    "\"tags\":",
    "cannot be used: it is not a JSON object: EOF while parsing"
)]
fn a_file_that_was_cut_off_is_noticed(
    #[case] cut_at: &str,
    #[case] said: &str,
    #[values(Sqlite, Postgres)] kind: Kind,
) {
    let Some(place) = Place::new(kind) else {
        return;
    };
    let source = Place::new(Sqlite).unwrap();
    source.import(&file(&much()));
    let whole = source.exported(&[]);
    let cut = &whole[..whole
        .rfind(cut_at)
        .filter(|_| !cut_at.is_empty())
        .unwrap_or(0)];
    let message = place.refused(cut);
    assert!(message.contains(said), "{message}");
}

#[rstest]
fn what_is_there_already_is_refused(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(place) = Place::new(kind) else {
        return;
    };
    assert!(place.import(&file(&much())).status.success());
    let again = |lines: &[Value]| {
        let mut all = vec![header(), user(8, "alan@example.com"), task(8_000, 8)];
        all.extend_from_slice(lines);
        place.refused(&file(&all))
    };
    let message = again(&[user(9, "ada@example.com"), end(2, 1)]);
    assert!(message.contains("line 4 cannot be used"), "{message}");
    assert!(
        message.contains("a user with this e-mail address exists already"),
        "{message}"
    );
    let message = again(&[user(1, "kay@example.com"), end(2, 1)]);
    assert!(message.contains("line 4 cannot be used"), "{message}");
    assert!(
        message.contains("a user with this id exists already"),
        "{message}"
    );
    let message = again(&[task(8_001, 8), task(8_000, 8), end(1, 3)]);
    assert!(message.contains("line 5 cannot be used"), "{message}");
    assert!(
        message.contains("a task with this id exists already"),
        "{message}"
    );
}

#[test]
fn a_database_that_is_not_there_is_not_made_by_an_export() {
    let place = Place::new(Sqlite).unwrap();
    let output = place.run(&["export", "-"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("there is no database"));
    let output = place.run(&["import", "nowhere.jsonl"]);
    assert!(text(&output.stderr).contains("nowhere.jsonl cannot be read"));
}
