//! Everything that is kept of users and their todos, for taking it elsewhere.

use crate::{Credentials, Email, Timestamp, Todo};

/// A user with all that is kept of the account, but for sessions.
///
/// It has what other software keeps beside this one, so that nothing is lost on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportedUser {
    /// The user, and what proves a login.
    pub credentials: Credentials,
    /// Where a picture of the user is.
    pub image: Option<String>,
    /// When an operator disabled the account; `None` while it is enabled.
    pub disabled_at: Option<Timestamp>,
}

/// One thing of an archive. An archive is a user, the todos of that user, the next user, and so on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ArchiveRecord {
    /// A user.
    User(ExportedUser),
    /// A todo of the user before it.
    Todo(Todo),
}

/// Whose things an archive has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ArchiveScope {
    /// Every user's.
    Everyone,
    /// Those of the user with this address.
    User(Email),
}

/// How much an archive has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ArchiveCounts {
    /// How many users.
    pub users: u64,
    /// How many todos.
    pub todos: u64,
}

impl ArchiveCounts {
    /// Counts one more record.
    pub fn add(&mut self, record: &ArchiveRecord) {
        match record {
            ArchiveRecord::User(_) => self.users += 1,
            ArchiveRecord::Todo(_) => self.todos += 1,
        }
    }
}
