//! Files to import.

use serde_json::{Value, json};

pub(crate) fn id(number: usize) -> String {
    format!("0192f0c1-2345-7abc-8def-{number:012x}")
}

pub(crate) fn user(number: usize, email: &str) -> Value {
    json!({
        "type": "user", "id": id(number), "email": email, "name": "Ada 👩‍💻",
        "password_hash": "$argon2id$a-hash", "email_verified": true, "image": null,
        "time_zone": "Europe/Berlin", "disabled_at": null, "created_at": "2026-12-01T09:30:00.000001Z",
        "updated_at": "2026-12-01T09:30:00.000002Z",
    })
}

pub(crate) fn task(number: usize, user: usize) -> Value {
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
        "description": number.is_multiple_of(2).then_some("two\n\tlitres \"of\" oats\\"),
        "completed_at": number.is_multiple_of(3).then_some("2026-12-02T00:00:00.000000Z"),
        "priority": priorities[number % 3],
        "due_date": dues[number % 4], "tags": tags[..number % 3],
        "created_at": format!("2026-12-01T09:30:00.{number:06}Z"),
        "updated_at": "2026-12-01T09:30:00.000002Z", "version": 1 + number,
    })
}

pub(crate) fn header() -> Value {
    json!({"format": "todo-export", "version": 2})
}

pub(crate) fn end(users: usize, tasks: usize) -> Value {
    json!({"type": "end", "users": users, "tasks": tasks})
}

pub(crate) fn file(lines: &[Value]) -> String {
    lines
        .iter()
        .flat_map(|line| [line.to_string(), "\n".to_owned()])
        .collect()
}

/// Two users with several hundred tasks, and one without a name, a hash, or a task.
pub(crate) fn much() -> Vec<Value> {
    let mut lines = vec![header(), user(1, "ada@example.com")];
    lines.extend((1_000..1_700).map(|number| task(number, 1)));
    let mut disabled = user(2, "grace@example.com");
    disabled["disabled_at"] = json!("2026-12-03T00:00:00.000000Z");
    lines.push(disabled);
    lines.extend((2_000..2_100).map(|number| task(number, 2)));
    let mut bare = user(3, "old@example.com");
    for field in ["name", "password_hash", "time_zone", "disabled_at"] {
        bare[field] = Value::Null;
    }
    lines.extend([bare, end(3, 800)]);
    lines
}

pub(crate) fn values(file: &str) -> Vec<Value> {
    file.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}
