//! The keys that sign tokens.

use std::fs;

use todo_infra::{DatabaseKind, SigningKey};

use super::Variables;

/// The keys that are configured.
#[derive(Debug)]
pub(crate) struct SigningKeyConfig {
    /// `None` when the key beside the SQLite file is to be used.
    pub(crate) current: Option<SigningKey>,
    /// Keys whose tokens still count.
    pub(crate) previous: Vec<SigningKey>,
}

impl SigningKeyConfig {
    pub(super) fn read(variables: &mut Variables<'_>, kind: DatabaseKind) -> Option<Self> {
        let current = current(variables, kind);
        let previous = previous(variables);
        Some(Self {
            current: current?,
            previous: previous?,
        })
    }
}

/// `Some(None)` when there is none and none is needed.
fn current(variables: &mut Variables<'_>, kind: DatabaseKind) -> Option<Option<SigningKey>> {
    const NAME: &str = "JWT_SECRET";
    const FILE: &str = "JWT_SECRET_FILE";
    match (variables.value(NAME), variables.value(FILE)) {
        (Some(_), Some(_)) => variables.fault(FILE, "must not be set together with JWT_SECRET"),
        (Some(secret), None) => key(variables, NAME, secret.as_bytes()).map(Some),
        (None, Some(path)) => {
            let secret = fs::read(&path).map_err(|error| format!("cannot be read: {error}"));
            let secret = variables.or_fault(FILE, secret)?;
            key(variables, FILE, secret.trim_ascii()).map(Some)
        }
        (None, None) if kind == DatabaseKind::Postgres => variables.fault(
            NAME,
            "is required with PostgreSQL, since every instance must have the same; \
             make one with: openssl rand -base64 48",
        ),
        (None, None) => Some(None),
    }
}

fn previous(variables: &mut Variables<'_>) -> Option<Vec<SigningKey>> {
    const NAME: &str = "JWT_PREVIOUS_SECRETS";
    let secrets = variables.value(NAME).unwrap_or_default();
    secrets
        .split(',')
        .map(str::trim)
        .filter(|secret| !secret.is_empty())
        .map(|secret| key(variables, NAME, secret.as_bytes()))
        .collect()
}

fn key(variables: &mut Variables<'_>, name: &str, secret: &[u8]) -> Option<SigningKey> {
    variables.or_fault(name, SigningKey::new(secret))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::testing::{SECRET, read};

    #[test]
    fn postgres_needs_a_key() {
        let error = read(&[("DATABASE_URL", "postgres://localhost/todo")]).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("JWT_SECRET is required with PostgreSQL")
        );
    }

    #[test]
    fn a_key_may_be_in_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        fs::write(&path, format!("{SECRET}\n")).unwrap();
        let path = path.to_str().unwrap();
        let current = |name, value| read(&[(name, value)]).unwrap().signing_keys.current;
        let from_file = current("JWT_SECRET_FILE", path);
        let from_variable = current("JWT_SECRET", SECRET);
        assert_eq!(format!("{from_file:?}"), format!("{from_variable:?}"));

        let both = [("JWT_SECRET_FILE", path), ("JWT_SECRET", SECRET)];
        for (variables, message) in [
            (&both[..], "JWT_SECRET_FILE must not be set together"),
            (
                &[("JWT_SECRET_FILE", "/nowhere")],
                "JWT_SECRET_FILE cannot be read",
            ),
        ] {
            let error = read(variables).unwrap_err();
            assert!(error.0[0].starts_with(message), "{error}");
        }
    }

    #[test]
    fn a_short_key_is_refused_on_either_database() {
        for url in ["sqlite://todo.db", "postgres://localhost/todo"] {
            let error = read(&[("DATABASE_URL", url), ("JWT_SECRET", "secret")]).unwrap_err();
            assert_eq!(
                error.0,
                ["JWT_SECRET must have at least 32 bytes, but has 6"]
            );
        }
    }
}
