//! The lines of the file as they are written.

use serde::{Serialize, Serializer};
use todo_domain::{
    ArchiveCounts, ArchiveRecord, Description, DisplayName, Due, ExportedUser, PasswordHash, Tag,
    TimeZone, Timestamp, Todo, TodoId, UserId,
};

use super::{FORMAT, VERSION};

/// The first line.
#[derive(Serialize)]
pub(super) struct HeaderLine {
    format: &'static str,
    version: u64,
}

impl HeaderLine {
    pub(super) const CURRENT: Self = Self {
        format: FORMAT,
        version: VERSION,
    };
}

/// A line between the first and the last.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(super) enum RecordLine<'a> {
    User(UserLine<'a>),
    Task(TaskLine<'a>),
}

/// The last line.
#[derive(Serialize)]
#[serde(tag = "type", rename = "end")]
pub(super) struct EndLine {
    users: u64,
    tasks: u64,
}

#[derive(Serialize)]
pub(super) struct UserLine<'a> {
    #[serde(serialize_with = "as_text")]
    id: UserId,
    email: &'a str,
    name: Option<&'a str>,
    password_hash: Option<&'a str>,
    email_verified: bool,
    image: Option<&'a str>,
    #[serde(serialize_with = "as_text_or_null")]
    time_zone: Option<&'a TimeZone>,
    #[serde(serialize_with = "as_text_or_null")]
    disabled_at: Option<Timestamp>,
    #[serde(serialize_with = "as_text")]
    created_at: Timestamp,
    #[serde(serialize_with = "as_text")]
    updated_at: Timestamp,
}

#[derive(Serialize)]
pub(super) struct TaskLine<'a> {
    #[serde(serialize_with = "as_text")]
    id: TodoId,
    #[serde(serialize_with = "as_text")]
    user_id: UserId,
    title: &'a str,
    description: Option<&'a str>,
    #[serde(serialize_with = "as_text_or_null")]
    completed_at: Option<Timestamp>,
    priority: &'static str,
    #[serde(serialize_with = "as_text_or_null")]
    due_date: Option<Due>,
    tags: Vec<&'a str>,
    #[serde(serialize_with = "as_text")]
    created_at: Timestamp,
    #[serde(serialize_with = "as_text")]
    updated_at: Timestamp,
    version: u64,
}

impl<'a> From<&'a ArchiveRecord> for RecordLine<'a> {
    fn from(record: &'a ArchiveRecord) -> Self {
        match record {
            ArchiveRecord::User(user) => Self::User(user.into()),
            ArchiveRecord::Todo(todo) => Self::Task(todo.into()),
        }
    }
}

impl<'a> From<&'a ExportedUser> for UserLine<'a> {
    fn from(archived: &'a ExportedUser) -> Self {
        let user = &archived.credentials.user;
        let hash = archived.credentials.password_hash.as_ref();
        Self {
            id: user.id,
            email: user.email.as_str(),
            name: user.name.as_ref().map(DisplayName::as_str),
            password_hash: hash.map(PasswordHash::expose),
            email_verified: user.email_verified,
            image: archived.image.as_deref(),
            time_zone: user.settings.time_zone.as_ref(),
            disabled_at: archived.disabled_at,
            created_at: user.created_at,
            updated_at: user.updated_at,
        }
    }
}

impl<'a> From<&'a Todo> for TaskLine<'a> {
    fn from(todo: &'a Todo) -> Self {
        Self {
            id: todo.id,
            user_id: todo.owner,
            title: todo.title.as_str(),
            description: todo.description.as_ref().map(Description::as_str),
            completed_at: todo.completed_at,
            priority: todo.priority.as_str(),
            due_date: todo.due,
            tags: todo.tags.iter().map(Tag::as_str).collect(),
            created_at: todo.created_at,
            updated_at: todo.updated_at,
            version: todo.version,
        }
    }
}

impl From<ArchiveCounts> for EndLine {
    fn from(counts: ArchiveCounts) -> Self {
        Self {
            users: counts.users,
            tasks: counts.todos,
        }
    }
}

fn as_text<S: Serializer>(value: &impl ToString, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&value.to_string())
}

#[expect(clippy::ref_option, reason = "serde calls it with a reference")]
fn as_text_or_null<S: Serializer>(
    value: &Option<impl ToString>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    value
        .as_ref()
        .map(ToString::to_string)
        .serialize(serializer)
}
