//! The body that changes a task.

use std::str::FromStr;

use todo_domain::{Change, CompletionChange, Description, Due, Priority, Title, TodoChange};
use utoipa::ToSchema;

use super::new_task::tags;
use crate::{
    fields::{Fields, boolean, text},
    wire::{DueText, PriorityName, TagText},
};

/// A change of a task; absent fields are not changed.
#[derive(Debug, ToSchema)]
#[schema(as = UpdateTask)]
#[expect(dead_code, reason = "it describes what `read_task_change` reads")]
pub struct UpdateTaskBody {
    /// Title; leading and trailing white space is removed.
    #[schema(
        min_length = 1,
        max_length = 255,
        pattern = r"\S",
        example = "Buy oat milk",
        nullable = false
    )]
    title: Option<String>,
    /// Description; leading and trailing white space is removed, and null clears it.
    #[schema(max_length = 2000, example = "Two litres")]
    description: Option<String>,
    /// Whether the task is completed.
    #[schema(nullable = false)]
    completed: Option<bool>,
    /// Alternative to `completed`, which it must not contradict.
    #[schema(nullable = false)]
    status: Option<DoneStatus>,
    /// Priority.
    #[schema(nullable = false)]
    priority: Option<PriorityName>,
    /// Due date: a date, or an instant with its offset; null clears it.
    #[schema(example = "2026-12-05")]
    due_date: Option<DueText>,
    /// Up to 20 tags of 1 to 50 characters, which replace the present ones; null clears them.
    #[schema(example = json!(["home"]))]
    tags: Option<Vec<TagText>>,
}

/// Completion of a task.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(missing_docs, reason = "it describes what `is_completed` reads")]
pub enum DoneStatus {
    Pending,
    Completed,
}

/// Reads a change to a task.
pub fn read_task_change(fields: &mut Fields) -> Option<TodoChange> {
    let title = fields.change("title", text(Title::new));
    let description = fields.nullable_change("description", text(Description::new));
    let completion = read_completion(fields);
    let priority = fields.change("priority", text(Priority::from_str));
    let due = fields.nullable_change("due_date", text(Due::from_str));
    let tags = fields.nullable_change("tags", tags);
    Some(TodoChange {
        title: title?,
        description: description?,
        completion: completion?,
        priority: priority?,
        due: due?,
        tags: match tags? {
            Change::Keep => Change::Keep,
            Change::To(tags) => Change::To(tags.unwrap_or_default()),
        },
    })
}

/// Reads `completed` and `status`, which say the same.
fn read_completion(fields: &mut Fields) -> Option<CompletionChange> {
    let completed = fields.change("completed", boolean);
    let status = fields.change("status", text(is_completed));
    match (completed?, status?) {
        (Change::Keep, Change::Keep) => Some(CompletionChange::Keep),
        (Change::To(completed), Change::To(status)) if completed != status => {
            fields.contradiction("status", "must not contradict completed")
        }
        (Change::To(completed), _) | (Change::Keep, Change::To(completed)) => {
            Some(CompletionChange::To(completed))
        }
    }
}

fn is_completed(status: &str) -> Result<bool, &'static str> {
    match status {
        "pending" => Ok(false),
        "completed" => Ok(true),
        _ => Err("must be pending or completed"),
    }
}
