//! Which database is meant.

use std::{fmt, path::Path, str::FromStr};

/// The two kinds of database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatabaseKind {
    /// SQLite, in a file.
    Sqlite,
    /// PostgreSQL, on a server.
    Postgres,
}

/// Names a database: `sqlite://PATH`, or `postgres://…` as libpq reads it. It never prints a password.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl {
    kind: DatabaseKind,
    /// The path of the file, or the whole URL.
    target: String,
}

/// The text names no database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidDatabaseUrl {
    /// The scheme is another.
    #[error("must begin with sqlite:// or postgres://")]
    UnknownScheme,
    /// There is no path after `sqlite://`.
    #[error("must name a file, such as sqlite://todo.db or sqlite:///var/lib/todo/todo.db")]
    NoFile,
    /// SQLite has databases in memory, but each connection would have one of its own.
    #[error("must name a file: a database in memory is not shared between connections")]
    InMemory,
    /// There are parameters after the path.
    #[error("must be a plain path after sqlite://, without parameters")]
    Parameters,
}

impl DatabaseUrl {
    /// Which kind of database it is.
    #[must_use]
    pub fn kind(&self) -> DatabaseKind {
        self.kind
    }

    /// The file of an SQLite database.
    #[must_use]
    pub fn sqlite_file(&self) -> Option<&Path> {
        match self.kind {
            DatabaseKind::Sqlite => Some(Path::new(&self.target)),
            DatabaseKind::Postgres => None,
        }
    }

    /// What the database's own library is given: the path of the file, or the whole URL.
    pub(super) fn target(&self) -> &str {
        &self.target
    }

    /// The same kind of database, at another target.
    pub(super) fn with_target(self, change: impl FnOnce(String) -> String) -> Self {
        Self {
            target: change(self.target),
            ..self
        }
    }
}

impl Default for DatabaseUrl {
    /// `sqlite://todo.db`
    fn default() -> Self {
        Self {
            kind: DatabaseKind::Sqlite,
            target: "todo.db".to_owned(),
        }
    }
}

impl FromStr for DatabaseUrl {
    type Err = InvalidDatabaseUrl;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Ok(Self {
                kind: DatabaseKind::Postgres,
                target: text.to_owned(),
            });
        }
        let path = text
            .strip_prefix("sqlite://")
            .ok_or(InvalidDatabaseUrl::UnknownScheme)?;
        if path.is_empty() {
            return Err(InvalidDatabaseUrl::NoFile);
        }
        if path.contains(":memory:") {
            return Err(InvalidDatabaseUrl::InMemory);
        }
        if path.contains('?') {
            return Err(InvalidDatabaseUrl::Parameters);
        }
        Ok(Self {
            kind: DatabaseKind::Sqlite,
            target: path.to_owned(),
        })
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            DatabaseKind::Sqlite => write!(f, "sqlite://{}", self.target),
            DatabaseKind::Postgres => f.write_str(&without_secrets(&self.target)),
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({self})")
    }
}

/// A PostgreSQL URL without its password, and without its parameters, among which there may be another.
fn without_secrets(url: &str) -> String {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    let Some((scheme, rest)) = url.split_once("://") else {
        return String::new();
    };
    match rest.rsplit_once('@') {
        Some((user, place)) => {
            let name = user.split(':').next().unwrap_or_default();
            format!("{scheme}://{name}@{place}")
        }
        None => format!("{scheme}://{rest}"),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("sqlite://todo.db", Some("todo.db"))]
    #[case("sqlite:///var/lib/todo.db", Some("/var/lib/todo.db"))]
    #[case("postgres://ada@localhost/todo", None)]
    #[case("postgresql:///todo?host=/tmp", None)]
    fn both_kinds_are_told_apart(#[case] text: &str, #[case] file: Option<&str>) {
        let url: DatabaseUrl = text.parse().unwrap();
        assert_eq!(url.sqlite_file(), file.map(Path::new));
    }

    #[rstest]
    #[case("", InvalidDatabaseUrl::UnknownScheme)]
    #[case("todo.db", InvalidDatabaseUrl::UnknownScheme)]
    #[case("mysql://localhost/todo", InvalidDatabaseUrl::UnknownScheme)]
    #[case("sqlite://", InvalidDatabaseUrl::NoFile)]
    #[case("sqlite://:memory:", InvalidDatabaseUrl::InMemory)]
    #[case("sqlite://todo.db?mode=ro", InvalidDatabaseUrl::Parameters)]
    fn what_names_no_database_is_refused(#[case] text: &str, #[case] error: InvalidDatabaseUrl) {
        assert_eq!(text.parse::<DatabaseUrl>(), Err(error));
    }

    #[rstest]
    #[case("postgres://ada:secret@db.example.com:5432/todo?sslmode=require")]
    #[case("postgres://ada:se@cret@db.example.com:5432/todo")]
    #[case("postgres://ada@db.example.com:5432/todo?password=secret")]
    fn a_password_is_never_printed(#[case] text: &str) {
        let url: DatabaseUrl = text.parse().unwrap();
        assert_eq!(url.to_string(), "postgres://ada@db.example.com:5432/todo");
        assert!(!format!("{url:?}").contains("cret"));
    }
}
