//! Conversion between rows and todos.

use diesel::{AsChangeset, Insertable, Queryable, Selectable};
use jiff::tz::Offset;
use todo_domain::{
    CompletionChange, Description, Due, Priority, Tag, Tags, Timestamp, Title, Todo, TodoChange,
    TodoId, UserId, fold_case,
};

use crate::{
    database::{Day, Id, Instant, schema::tasks},
    repositories::usage::Addition,
};

#[derive(Queryable, Selectable)]
#[diesel(table_name = tasks)]
pub(in crate::repositories) struct TodoRow {
    id: Id,
    user_id: Id,
    title: String,
    description: Option<String>,
    completed: bool,
    created_at: Instant,
    updated_at: Instant,
    priority: i16,
    due_date: Option<Day>,
    due_at: Instant,
    due_offset: Option<i32>,
    tags: String,
    completed_at: Option<Instant>,
    version: i64,
}

impl From<TodoRow> for Todo {
    fn from(row: TodoRow) -> Self {
        let due = due(row.due_date, row.due_at, row.due_offset);
        // Other software that writes the table may not set `completed_at`.
        let completed_at = row
            .completed
            .then(|| row.completed_at.unwrap_or(row.updated_at).0);
        Self {
            id: TodoId::from_uuid(row.id.0),
            owner: UserId::from_uuid(row.user_id.0),
            title: Title::from_stored(row.title),
            description: row.description.map(Description::from_stored),
            completed_at,
            priority: priority(row.priority),
            due,
            tags: tags(&row.tags),
            created_at: row.created_at.0,
            updated_at: row.updated_at.0,
            version: row.version.unsigned_abs(),
        }
    }
}

#[derive(Insertable)]
#[diesel(table_name = tasks)]
#[diesel(treat_none_as_default_value = false)]
pub(in crate::repositories) struct NewTodoRow<'a> {
    pub(super) id: Id,
    pub(super) user_id: Id,
    pub(super) title: &'a str,
    pub(super) description: Option<&'a str>,
    pub(super) completed: bool,
    pub(super) created_at: Instant,
    pub(super) updated_at: Instant,
    pub(super) title_folded: String,
    pub(super) description_folded: Option<String>,
    pub(super) priority: i16,
    pub(super) due_date: Option<Day>,
    pub(super) due_at: Instant,
    pub(super) due_offset: Option<i32>,
    pub(super) tags: String,
    pub(super) completed_at: Option<Instant>,
    pub(super) version: i64,
    pub(super) bytes: Option<i32>,
}

impl<'a> From<&'a Todo> for NewTodoRow<'a> {
    fn from(todo: &'a Todo) -> Self {
        let title = Texts::from(todo.title.as_str());
        let description = todo
            .description
            .as_ref()
            .map(|description| Texts::from(description.as_str()));
        let tags = tags_column(&todo.tags);
        let bytes = title.bytes() + description.as_ref().map_or(0, Texts::bytes) + tags.len();
        let due = DueColumns::from(todo.due);
        let (description, description_folded) = description.map(Texts::into_pair).unzip();
        Self {
            id: Id(todo.id.as_uuid()),
            user_id: Id(todo.owner.as_uuid()),
            title: title.written,
            description,
            completed: todo.is_completed(),
            created_at: Instant(todo.created_at),
            updated_at: Instant(todo.updated_at),
            title_folded: title.folded,
            description_folded,
            priority: priority_column(todo.priority),
            due_date: due.date,
            due_at: due.at,
            due_offset: due.offset,
            tags,
            completed_at: todo.completed_at.map(Instant),
            version: todo.version.cast_signed(),
            bytes: i32::try_from(bytes).ok(),
        }
    }
}

/// A text in its written and its folded form.
struct Texts<'a> {
    written: &'a str,
    folded: String,
}

impl<'a> From<&'a str> for Texts<'a> {
    fn from(written: &'a str) -> Self {
        Self {
            written,
            folded: fold_case(written),
        }
    }
}

impl<'a> Texts<'a> {
    fn into_pair(self) -> (&'a str, String) {
        (self.written, self.folded)
    }

    /// The bytes that count towards a quota.
    fn bytes(&self) -> usize {
        self.written.len().max(self.folded.len())
    }
}

impl NewTodoRow<'_> {
    /// The addition to the usage of the owner.
    pub(in crate::repositories) fn addition(&self) -> Addition {
        Addition {
            user_id: UserId::from_uuid(self.user_id.0),
            todos: 1,
            bytes: self.bytes.map_or(0, i64::from),
        }
    }
}

/// The columns that a change sets; `None` keeps a column, and `Some(None)` sets it to NULL.
///
/// `completed_at` and `version` are set by the statement, since they depend on the stored values.
#[derive(AsChangeset)]
#[diesel(table_name = tasks)]
pub(super) struct TodoChangeset<'a> {
    title: Option<&'a str>,
    title_folded: Option<String>,
    description: Option<Option<&'a str>>,
    description_folded: Option<Option<String>>,
    completed: Option<bool>,
    priority: Option<i16>,
    due_date: Option<Option<Day>>,
    due_at: Option<Instant>,
    due_offset: Option<Option<i32>>,
    tags: Option<String>,
    updated_at: Instant,
}

/// The bytes of the texts that a change sets; `None` keeps a text.
#[derive(Debug, Clone, Copy)]
pub(super) struct ChangedBytes {
    pub(super) title: Option<i64>,
    pub(super) description: Option<i64>,
    pub(super) tags: Option<i64>,
}

impl ChangedBytes {
    /// Whether no text is set.
    pub(super) fn is_none(&self) -> bool {
        self.title.is_none() && self.description.is_none() && self.tags.is_none()
    }
}

/// A length in bytes, as an `int8` column.
fn length(bytes: usize) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

impl<'a> TodoChangeset<'a> {
    /// The changeset, and the bytes of the texts in it.
    pub(super) fn new(change: &'a TodoChange, now: Timestamp) -> (Self, ChangedBytes) {
        let title = change
            .title
            .value()
            .map(|title| Texts::from(title.as_str()));
        let description = change.description.value().map(|description| {
            description
                .as_ref()
                .map(|description| Texts::from(description.as_str()))
        });
        let tags = change.tags.value().map(tags_column);
        let bytes = ChangedBytes {
            title: title.as_ref().map(|title| length(title.bytes())),
            description: description
                .as_ref()
                .map(|texts| length(texts.as_ref().map_or(0, Texts::bytes))),
            tags: tags.as_ref().map(|tags| length(tags.len())),
        };
        let (title, title_folded) = title.map(Texts::into_pair).unzip();
        let (description, description_folded) = description
            .map(|texts| texts.map(Texts::into_pair).unzip())
            .unzip();
        let due = change.due.value().copied().map(DueColumns::from);
        let changeset = Self {
            title,
            title_folded,
            description,
            description_folded,
            completed: match change.completion {
                CompletionChange::To(completed) => Some(completed),
                CompletionChange::Keep | CompletionChange::Toggle => None,
            },
            priority: change.priority.value().copied().map(priority_column),
            due_date: due.map(|due| due.date),
            due_at: due.map(|due| due.at),
            due_offset: due.map(|due| due.offset),
            tags,
            updated_at: Instant(now),
        };
        (changeset, bytes)
    }
}

/// The due time in three columns: a date has no offset, an instant has no date, and a todo without a due time has neither.
/// `due_at` is the sort key of both.
#[derive(Clone, Copy)]
struct DueColumns {
    date: Option<Day>,
    at: Instant,
    offset: Option<i32>,
}

impl From<Option<Due>> for DueColumns {
    fn from(due: Option<Due>) -> Self {
        let (date, offset) = match due {
            None => (None, None),
            Some(Due::On(date)) => (Some(Day(date)), None),
            Some(Due::At { offset, .. }) => (None, Some(offset.seconds())),
        };
        Self {
            date,
            at: Instant(due.map_or(Timestamp::MAX, Due::sort_key)),
            offset,
        }
    }
}

fn due(date: Option<Day>, at: Instant, offset: Option<i32>) -> Option<Due> {
    match (date, offset) {
        (Some(date), _) => Some(Due::On(date.0)),
        (None, Some(seconds)) => Some(Due::At {
            instant: at.0,
            offset: Offset::from_seconds(seconds).unwrap_or(Offset::UTC),
        }),
        (None, None) => None,
    }
}

pub(super) fn priority_column(priority: Priority) -> i16 {
    priority as i16
}

fn priority(column: i16) -> Priority {
    [Priority::Low, Priority::Medium, Priority::High]
        .into_iter()
        .find(|priority| priority_column(*priority) == column)
        .unwrap_or_default()
}

/// A separator of tags, which no tag contains.
pub(super) const SEPARATOR: &str = "\n";

/// `\nhome\nwork\n`: each tag can be found between two separators.
fn tags_column(tags: &Tags) -> String {
    let mut column = String::new();
    for tag in tags {
        column.push_str(SEPARATOR);
        column.push_str(tag.as_str());
    }
    if !column.is_empty() {
        column.push_str(SEPARATOR);
    }
    column
}

fn tags(column: &str) -> Tags {
    let tags = column
        .split(SEPARATOR)
        .filter(|tag| !tag.is_empty())
        .map(|tag| Tag::from_stored(tag.to_owned()));
    Tags::from_stored(tags.collect())
}
