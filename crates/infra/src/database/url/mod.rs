//! The URL of a database.

use std::{fmt, path::Path, str::FromStr, time::Duration};

/// The kind of a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatabaseKind {
    /// SQLite, in a file.
    Sqlite,
    /// PostgreSQL, on a server.
    Postgres,
}

/// The URL of a database: `sqlite://PATH`, or `postgres://…` as libpq parses it. Its `Debug` and `Display` redact passwords.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl {
    kind: DatabaseKind,
    /// The path of the file, or the whole URL.
    target: String,
}

/// The confidentiality of the connection to a database, as far as its URL tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transport {
    /// A file, a Unix socket or a loopback address.
    Local,
    /// Over a network, by TLS with verification of the server.
    Verified,
    /// Over a network, without verification of the server.
    Unverified {
        /// The `sslmode`; the default is `prefer`.
        mode: String,
    },
}

/// Why a text is no URL of a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidDatabaseUrl {
    /// The scheme is unknown.
    #[error("must begin with sqlite:// or postgres://")]
    UnknownScheme,
    /// The path after `sqlite://` is missing.
    #[error("must name a file, such as sqlite://todo.db or sqlite:///var/lib/todo/todo.db")]
    NoFile,
    /// SQLite has databases in memory, but each connection would have one of its own.
    #[error("must name a file: a database in memory is not shared between connections")]
    InMemory,
    /// A `%` is not the beginning of an encoded character.
    #[error(
        "must be percent-encoded: after each % there must be two hexadecimal digits, and a % of a password is %25"
    )]
    Encoding,
    /// There are parameters after the path.
    #[error("must be a plain path after sqlite://, without parameters")]
    Parameters,
}

impl DatabaseUrl {
    /// The kind of the database.
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

    /// How the database is reached. libpq takes what the URL does not say from variables (`PGHOST`, `PGHOSTADDR`,
    /// `PGSSLMODE`), as `lookup` finds them.
    #[must_use]
    pub fn transport(&self, lookup: impl Fn(&str) -> Option<String>) -> Transport {
        if self.kind == DatabaseKind::Sqlite {
            return Transport::Local;
        }
        let given = |parameter: &str, variable: &str| {
            self.parameter(parameter)
                .map(str::to_owned)
                .or_else(|| lookup(variable))
                .filter(|value| !value.is_empty())
        };
        let mut hosts = self.hosts_of_authority();
        for host in [given("hostaddr", "PGHOSTADDR"), given("host", "PGHOST")] {
            if hosts.is_empty() {
                hosts.extend(host);
            }
        }
        if hosts
            .iter()
            .flat_map(|hosts| hosts.split(','))
            .all(is_local)
        {
            return Transport::Local;
        }
        match given("sslmode", "PGSSLMODE") {
            Some(mode) if mode == "verify-full" => Transport::Verified,
            mode => Transport::Unverified {
                mode: mode.unwrap_or_else(|| "prefer".to_owned()),
            },
        }
    }

    /// The value of a parameter; of several, the last.
    fn parameter(&self, name: &str) -> Option<&str> {
        self.query()?
            .split('&')
            .filter_map(|parameter| parameter.strip_prefix(name)?.strip_prefix('='))
            .next_back()
    }

    /// The parameters, of which there may be none after the `?`. As libpq reads it, a password may have a `?` in it.
    fn query(&self) -> Option<&str> {
        let (_, rest) = self.target.split_once("://")?;
        let after_user = match rest.find(['@', '/']) {
            Some(at) if rest.as_bytes().get(at) == Some(&b'@') => rest.get(at..)?,
            _ => rest,
        };
        after_user.split_once('?').map(|(_, query)| query)
    }

    /// The hosts between `@` and `/`, without their ports.
    fn hosts_of_authority(&self) -> Vec<String> {
        let (_, rest) = self.target.split_once("://").unwrap_or_default();
        let authority = rest.split(['/', '?']).next().unwrap_or_default();
        let places = authority.rsplit('@').next().unwrap_or_default();
        places
            .split(',')
            .map(|place| match place.strip_prefix('[') {
                Some(address) => address.split(']').next().unwrap_or_default(),
                None => place.split(':').next().unwrap_or_default(),
            })
            .filter(|host| !host.is_empty())
            .map(str::to_owned)
            .collect()
    }

    /// The argument for the database library: the path of the file, or the whole URL.
    pub(super) fn target(&self) -> &str {
        &self.target
    }

    /// A URL of the same kind with another target.
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
            if !is_percent_encoded(text) {
                return Err(InvalidDatabaseUrl::Encoding);
            }
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

/// Parameters of libpq that end a connection whose peer is gone: data that is not acknowledged within 3 seconds
/// (`tcp_user_timeout`), and a peer that answers no probe for 11. They do not help against a host that is frozen, whose
/// kernel goes on acknowledging.
const TCP_DEFAULTS: [(&str, u64); 4] = [
    ("tcp_user_timeout", 3000),
    ("keepalives_idle", 5),
    ("keepalives_interval", 2),
    ("keepalives_count", 3),
];

/// Adds timeouts for connecting and for noticing a lost server, unless the URL has them.
pub(super) fn with_connection_defaults(url: DatabaseUrl, connect_timeout: Duration) -> DatabaseUrl {
    if url.kind() == DatabaseKind::Sqlite {
        return url;
    }
    // libpq takes whole seconds, and turns 1 into 2.
    let connect_timeout = ("connect_timeout", connect_timeout.as_secs().max(2));
    let missing: Vec<_> = [connect_timeout]
        .into_iter()
        .chain(TCP_DEFAULTS)
        .filter(|(name, _)| url.parameter(name).is_none())
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let separator = match url.query() {
        None => "?",
        Some("") => "",
        Some(_) => "&",
    };
    if missing.is_empty() {
        return url;
    }
    let added = format!("{separator}{}", missing.join("&"));
    url.with_target(|target| target + &added)
}

/// Whether each `%` is followed by two hexadecimal digits other than 00, as libpq requires.
fn is_percent_encoded(text: &str) -> bool {
    text.split('%').skip(1).all(|after| {
        let digits = after.as_bytes().get(..2);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit) && digits != b"00")
    })
}

/// Whether a host is this machine: nothing and a path are sockets, also where the path is percent-encoded.
fn is_local(host: &str) -> bool {
    let is_socket =
        host.is_empty() || host.starts_with('/') || host.to_ascii_uppercase().starts_with("%2F");
    let is_loopback = host
        .parse()
        .is_ok_and(|address: std::net::IpAddr| address.is_loopback());
    is_socket || is_loopback || host.eq_ignore_ascii_case("localhost")
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
mod tests;
