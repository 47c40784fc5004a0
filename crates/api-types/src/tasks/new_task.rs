//! The body that creates a task.

use std::str::FromStr;

use serde_json::Value;
use todo_domain::{Description, Due, NewTodo, Priority, Tag, Tags, Title};
use utoipa::ToSchema;

use crate::{
    fields::{Fields, array, text},
    wire::{DueText, PriorityName, TagText},
};

/// A new task.
#[derive(Debug, ToSchema)]
#[schema(as = CreateTask)]
#[expect(dead_code, reason = "it describes what `read_new_task` reads")]
pub struct CreateTaskBody {
    /// Title; leading and trailing white space is removed.
    #[schema(
        min_length = 1,
        max_length = 255,
        pattern = r"\S",
        example = "Buy milk"
    )]
    title: String,
    /// Description; leading and trailing white space is removed.
    #[schema(max_length = 2000, example = "Two litres")]
    description: Option<String>,
    /// Priority; `medium` by default.
    #[schema(inline = false)]
    priority: Option<PriorityName>,
    /// Due date: a date, or an instant with its offset.
    #[schema(example = "2026-12-05")]
    due_date: Option<DueText>,
    /// Up to 20 tags of 1 to 50 characters. They are trimmed and converted to lower case; duplicates are removed.
    #[schema(example = json!(["home"]))]
    tags: Option<Vec<TagText>>,
}

/// Reads the fields of a new task.
pub fn read_new_task(fields: &mut Fields) -> Option<NewTodo> {
    let title = fields.required("title", text(Title::new));
    let description = fields.optional("description", text(Description::new));
    let priority = fields.optional("priority", text(Priority::from_str));
    let due = fields.optional("due_date", text(Due::from_str));
    let tags = fields.optional("tags", tags);
    Some(NewTodo {
        title: title?,
        description: description?,
        priority: priority?.unwrap_or_default(),
        due: due?,
        tags: tags?.unwrap_or_default(),
    })
}

/// Reads an array of tags.
///
/// # Errors
/// The violation, as a message.
pub fn tags(value: Value) -> Result<Tags, String> {
    Tags::new(array(text(Tag::new))(value)?).map_err(|error| error.to_string())
}
