//! Reading the file, so that whatever is not as it should be is named with its line.

use std::io::{self, BufRead, Read};

use serde_json::Value;
use todo_domain::{
    ArchiveCounts, ArchiveRecord, Credentials, Description, DisplayName, Due, Email, ExportedUser,
    PasswordHash, Priority, Tag, Tags, TimeZone, Timestamp, Title, Todo, TodoId, User, UserId,
    UserSettings,
};

use todo_infra::argon2_memory_kib;

use super::{
    FORMAT, OLDEST_VERSION, VERSION,
    fields::{Fields, LineError, boolean, nullable, number, parsed, text},
};

/// No line is longer, in bytes; what is longer is no file of ours.
const LONGEST_LINE: u64 = 16 * 1024 * 1024;

/// The most memory that a hash may take, in KiB: 256 MiB. A login with a hash that takes more would be an attack.
const MOST_MEMORY_KIB: u32 = 256 * 1024;

/// Why the file cannot be read on.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadError {
    #[error("line {line} cannot be used: {error}")]
    Line { line: u64, error: LineError },
    #[error("it ends after line {line} without its last line, so it is not whole")]
    NotWhole { line: u64 },
    #[error("it cannot be read")]
    Io(#[from] io::Error),
}

/// The line that a record stands in: the header stands before the first of them.
pub(super) fn line_of(record: u64) -> u64 {
    record + 2
}

/// The records of a file, one after the other; after an error there are no more.
#[derive(Debug)]
pub(super) struct Reader<R> {
    from: R,
    line: Vec<u8>,
    line_number: u64,
    counts: ArchiveCounts,
    ended: bool,
    /// The version of the format.
    version: u64,
}

enum Line {
    Record(ArchiveRecord),
    End { users: u64, todos: u64 },
}

impl<R: BufRead> Reader<R> {
    /// Reads the first line of a file.
    pub(super) fn begin(from: R) -> Result<Self, ReadError> {
        let mut reader = Self {
            from,
            line: Vec::new(),
            line_number: 0,
            counts: ArchiveCounts::default(),
            ended: false,
            version: VERSION,
        };
        if !reader.read_line()? {
            return Err(ReadError::NotWhole { line: 0 });
        }
        reader.version = header(&reader.line).map_err(|error| reader.fault(error))?;
        Ok(reader)
    }

    fn record(&mut self) -> Result<Option<ArchiveRecord>, ReadError> {
        if !self.read_line()? {
            return Err(ReadError::NotWhole {
                line: self.line_number,
            });
        }
        match line(&self.line, self.version).map_err(|error| self.fault(error))? {
            Line::Record(record) => {
                self.counts.add(&record);
                Ok(Some(record))
            }
            Line::End { users, todos } => self.end(ArchiveCounts { users, todos }),
        }
    }

    /// Compares what the last line counts with what there was, and makes sure that it is the last.
    fn end<T>(&mut self, said: ArchiveCounts) -> Result<Option<T>, ReadError> {
        let found = self.counts;
        for (field, said, found) in [
            ("users", said.users, found.users),
            ("tasks", said.todos, found.todos),
        ] {
            if said != found {
                return Err(self.fault(LineError::Field {
                    field: field.to_owned(),
                    message: format!("is {said}, but there are {found} before it"),
                }));
            }
        }
        if self.read_line()? {
            let message = "nothing may follow the line of type end".to_owned();
            return Err(self.fault(LineError::Other(message)));
        }
        Ok(None)
    }

    /// Reads the next line; `false` when there is none.
    fn read_line(&mut self) -> Result<bool, ReadError> {
        self.line.clear();
        let mut bounded = self.from.by_ref().take(LONGEST_LINE);
        let length = bounded.read_until(b'\n', &mut self.line)?;
        if length == 0 {
            return Ok(false);
        }
        self.line_number += 1;
        if bounded.limit() == 0 && self.line.last() != Some(&b'\n') {
            let message = format!("it is longer than {LONGEST_LINE} bytes");
            return Err(self.fault(LineError::Other(message)));
        }
        Ok(true)
    }

    fn fault(&self, error: LineError) -> ReadError {
        ReadError::Line {
            line: self.line_number,
            error,
        }
    }
}

impl<R: BufRead> Iterator for Reader<R> {
    type Item = Result<ArchiveRecord, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let record = self.record().transpose();
        self.ended = !matches!(record, Some(Ok(_)));
        record
    }
}

/// Reads the first line, and gives the version of the format.
fn header(line: &[u8]) -> Result<u64, LineError> {
    let mut fields = Fields::parse(line)?;
    fields.take("format", |value| match value {
        Value::String(format) if format == FORMAT => Ok(()),
        _ => Err(format!("must be {FORMAT}")),
    })?;
    let version = fields.take("version", |value| match number(value)? {
        version @ OLDEST_VERSION..=VERSION => Ok(version),
        newer if newer > VERSION => Err(format!(
            "is {newer}, which a newer todo-server wrote; this one reads {VERSION}"
        )),
        _ => Err(format!("must be {OLDEST_VERSION} to {VERSION}")),
    })?;
    fields.end()?;
    Ok(version)
}

fn line(line: &[u8], version: u64) -> Result<Line, LineError> {
    let mut fields = Fields::parse(line)?;
    let kind = fields.take("type", text)?;
    let read = match kind.as_str() {
        "user" => Line::Record(ArchiveRecord::User(user(&mut fields, version)?)),
        "task" => Line::Record(ArchiveRecord::Todo(task(&mut fields)?)),
        "end" => Line::End {
            users: fields.take("users", number)?,
            todos: fields.take("tasks", number)?,
        },
        _ => {
            return Err(LineError::Field {
                field: "type".to_owned(),
                message: "must be user, task or end".to_owned(),
            });
        }
    };
    fields.end()?;
    Ok(read)
}

/// The texts keep the rules of today, so that nobody smuggles in what no request could write; only the password does not,
/// of which there is no more than the hash.
fn user(fields: &mut Fields, version: u64) -> Result<ExportedUser, LineError> {
    Ok(ExportedUser {
        credentials: Credentials {
            user: User {
                id: fields.take("id", parsed(UserId::try_from))?,
                email: fields.take("email", parsed(Email::try_from))?,
                email_verified: fields.take("email_verified", boolean)?,
                name: fields.take("name", nullable(parsed(DisplayName::try_from)))?,
                settings: UserSettings {
                    time_zone: fields.take("time_zone", nullable(parsed(TimeZone::try_from)))?,
                },
                created_at: fields.take("created_at", parsed(Timestamp::try_from))?,
                updated_at: fields.take("updated_at", parsed(Timestamp::try_from))?,
            },
            password_hash: fields.take("password_hash", nullable(password_hash))?,
        },
        image: fields.take("image", nullable(text))?,
        disabled_at: if version == OLDEST_VERSION {
            None
        } else {
            fields.take("disabled_at", nullable(parsed(Timestamp::try_from)))?
        },
    })
}

/// A hash that a login can afford to verify.
fn password_hash(value: &Value) -> Result<PasswordHash, String> {
    let hash = text(value)?;
    match argon2_memory_kib(&hash) {
        Some(memory) if memory > MOST_MEMORY_KIB => Err(format!(
            "takes {memory} KiB of memory to verify; at most {MOST_MEMORY_KIB} are allowed"
        )),
        _ => Ok(PasswordHash::new(hash)),
    }
}

/// As [`user`].
fn task(fields: &mut Fields) -> Result<Todo, LineError> {
    Ok(Todo {
        id: fields.take("id", parsed(TodoId::try_from))?,
        owner: fields.take("user_id", parsed(UserId::try_from))?,
        title: fields.take("title", parsed(Title::try_from))?,
        description: fields.take("description", nullable(parsed(Description::try_from)))?,
        completed_at: fields.take("completed_at", nullable(parsed(Timestamp::try_from)))?,
        priority: fields.take("priority", parsed(|name| name.parse::<Priority>()))?,
        due: fields.take("due_date", nullable(parsed(Due::try_from)))?,
        tags: fields.take("tags", tags)?,
        created_at: fields.take("created_at", parsed(Timestamp::try_from))?,
        updated_at: fields.take("updated_at", parsed(Timestamp::try_from))?,
        version: fields.take("version", number)?,
    })
}

fn tags(value: &Value) -> Result<Tags, String> {
    let Value::Array(values) = value else {
        return Err("must be a list of texts".to_owned());
    };
    let tags: Result<Vec<Tag>, String> = values
        .iter()
        .map(|value| parsed(Tag::try_from)(value))
        .collect();
    Tags::new(tags?).map_err(|error| error.to_string())
}
