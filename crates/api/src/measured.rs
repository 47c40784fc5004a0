//! What micro-benchmarks measure of this crate, and nobody else has to do with.

use todo_domain::{Description, Position, Title, Todo, TodoOrder};

use crate::{
    body::parse_object,
    cursor::{self, ListIdentity},
    fields::{Fields, text},
    wire::TaskResponse,
};

fn list() -> ListIdentity {
    ListIdentity::of([("status".to_owned(), "pending".to_owned())])
}

/// Writes where the next page of some list starts.
#[must_use]
pub fn write_cursor(position: &Position) -> String {
    cursor::write(list(), position)
}

/// Reads what [`write_cursor`] wrote.
#[must_use]
pub fn read_cursor(cursor: &str, order: TodoOrder) -> Option<Position> {
    cursor::read(cursor, list(), order).ok()
}

/// A page as JSON; empty if it cannot be written.
#[must_use]
pub fn write_tasks(todos: &[Todo]) -> Vec<u8> {
    let tasks: Vec<TaskResponse<'_>> = todos.iter().map(TaskResponse::from).collect();
    serde_json::to_vec(&tasks).unwrap_or_default()
}

/// Reads title and description out of a body of JSON.
#[must_use]
pub fn read_task(body: &[u8]) -> Option<(Title, Description)> {
    let members = parse_object(body, Some("application/json"), &["application/json"]).ok()?;
    let read = |fields: &mut Fields| {
        let title = fields.required("title", text(Title::new));
        let description = fields.required("description", text(Description::new));
        Some((title?, description?))
    };
    Fields::read(members, read).ok()
}
