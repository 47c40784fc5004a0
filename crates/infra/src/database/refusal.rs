//! Why PostgreSQL refused a connection, in messages of ours.
//!
//! libpq repeats parts of the connection string in its messages, and what it takes for a host or a parameter may be a part
//! of a password. So its text is looked at and never passed on.

use diesel::ConnectionError;

/// Why PostgreSQL did not accept a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct RefusedConnection(&'static str);

/// What stands in a message of libpq or of an English server, and what is said instead; the first that is found counts.
const REASONS: &[(&str, &str)] = &[
    (
        "certificate",
        "the certificate of the server is not the one that sslrootcert and the host demand",
    ),
    ("SSL", "the server and sslmode do not agree on TLS"),
    (
        "authentication failed",
        "the server does not accept the user with this password (authentication failed)",
    ),
    (
        "no password supplied",
        "the server asks for a password, and none is configured",
    ),
    (
        "pg_hba.conf",
        "the server does not accept the user from this host (pg_hba.conf)",
    ),
    ("role \"", "the server does not know the role"),
    (
        "database \"",
        "the server does not have the database, or the role may not connect to it",
    ),
    (
        "Connection refused",
        "Connection refused: no server listens there",
    ),
    (
        "No such file or directory",
        "no server has a socket there (No such file or directory)",
    ),
    (
        "could not translate host name",
        "the name of the host cannot be resolved",
    ),
    ("timeout expired", "the server did not answer in time"),
    ("timed out", "the server did not answer in time"),
    ("too many", "the server has too many connections"),
    ("connection slots", "the server has too many connections"),
    ("starting up", "the server is starting up"),
    ("shutting down", "the server is shutting down"),
    ("recovery", "the server is in recovery"),
    (
        "read-only",
        "the server is read-only, and target_session_attrs demands another",
    ),
    ("No route to host", "there is no route to the host"),
    ("unreachable", "the network is unreachable"),
    ("closed the connection", "the server closed the connection"),
    ("reset by peer", "the server closed the connection"),
];

/// The message for all other errors, such as those about the connection string.
const UNKNOWN: &str = "the connection string cannot be used, or the server refused it for a reason that its own log has; the \
     driver's words are not repeated, since a part of the password may be in them";

impl From<ConnectionError> for RefusedConnection {
    fn from(error: ConnectionError) -> Self {
        let ConnectionError::BadConnection(text) = error else {
            return Self(UNKNOWN);
        };
        let found = REASONS.iter().find(|(words, _)| text.contains(words));
        Self(found.map_or(UNKNOWN, |(_, reason)| *reason))
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(
        "connection to server at \"127.0.0.1\", port 1 failed: Connection refused",
        "Connection refused"
    )]
    #[case(
        "FATAL:  password authentication failed for user \"ada\"",
        "authentication failed"
    )]
    #[case("FATAL:  role \"ada\" does not exist", "does not know the role")]
    #[case(
        "could not translate host name \"hunter2@db\" to address",
        "cannot be resolved"
    )]
    #[case("invalid percent-encoded token: \"wr%onghunter2\"", "are not repeated")]
    #[case("invalid port number: \"hunter2\"", "are not repeated")]
    fn the_reason_has_no_text_of_the_driver(#[case] text: &str, #[case] expected: &str) {
        let refused = RefusedConnection::from(ConnectionError::BadConnection(text.to_owned()));
        let told = refused.to_string();
        assert!(told.contains(expected), "{told}");
        assert!(!told.contains("hunter2"), "{told}");
    }
}
