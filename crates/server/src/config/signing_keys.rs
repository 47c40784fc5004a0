//! Signing keys.

use std::{fs, path::PathBuf};

use todo_infra::{DatabaseUrl, SigningKey};

use super::Variables;

const SECRET: &str = "JWT_SECRET";
const SECRET_FILE: &str = "JWT_SECRET_FILE";
const KEYS_FILE: &str = "JWT_KEYS_FILE";
const PREVIOUS: &str = "JWT_PREVIOUS_SECRETS";

/// Source of the signing key, and previous keys.
#[derive(Debug)]
pub(crate) struct SigningKeyConfig {
    pub(crate) source: SigningKeySource,
    /// Previous keys, still accepted for verification, besides those of the source.
    pub(crate) previous: Vec<SigningKey>,
}

/// Source of the signing key.
#[derive(Debug)]
pub(crate) enum SigningKeySource {
    /// A variable, or a file with nothing else.
    Secret {
        key: SigningKey,
        /// The variable with the secret or the name of the file.
        variable: &'static str,
        /// The file with the secret.
        file: Option<PathBuf>,
    },
    /// A key ring.
    Ring {
        path: PathBuf,
        /// Whether a missing file is created. A configured file is not: a mistyped name or an unmounted folder would log
        /// all users out.
        may_be_made: bool,
    },
}

impl SigningKeyConfig {
    pub(super) fn read(variables: &mut Variables<'_>, database: &DatabaseUrl) -> Option<Self> {
        let source = source(variables, database);
        let previous = previous(variables);
        Some(Self {
            source: source?,
            previous: previous?,
        })
    }
}

fn source(variables: &mut Variables<'_>, database: &DatabaseUrl) -> Option<SigningKeySource> {
    let secret = variables.value(SECRET);
    let secret_file = variables.value(SECRET_FILE);
    let keys_file = variables.value(KEYS_FILE);
    match (secret, secret_file, keys_file) {
        (Some(_), Some(_), _) => {
            variables.fault(SECRET_FILE, "must not be set together with JWT_SECRET")
        }
        (Some(_), None, Some(_)) => {
            variables.fault(KEYS_FILE, "must not be set together with JWT_SECRET")
        }
        (None, Some(_), Some(_)) => {
            variables.fault(KEYS_FILE, "must not be set together with JWT_SECRET_FILE")
        }
        (Some(secret), None, None) => {
            let key = key(variables, SECRET, secret.as_bytes())?;
            Some(SigningKeySource::Secret {
                key,
                variable: SECRET,
                file: None,
            })
        }
        (None, Some(path), None) => {
            let secret = fs::read(&path).map_err(|error| format!("cannot be read: {error}"));
            let secret = variables.or_fault(SECRET_FILE, secret)?;
            let key = key(variables, SECRET_FILE, secret.trim_ascii())?;
            Some(SigningKeySource::Secret {
                key,
                variable: SECRET_FILE,
                file: Some(path.into()),
            })
        }
        (None, None, Some(path)) => Some(SigningKeySource::Ring {
            path: path.into(),
            may_be_made: false,
        }),
        (None, None, None) => match database.sqlite_file() {
            Some(file) => {
                let mut path = file.as_os_str().to_owned();
                path.push(".jwt-key");
                Some(SigningKeySource::Ring {
                    path: path.into(),
                    may_be_made: true,
                })
            }
            None => variables.fault(
                SECRET,
                "is required with PostgreSQL, and must be the same for every instance; \
                 create one with: openssl rand -base64 48; or set JWT_KEYS_FILE to a key ring",
            ),
        },
    }
}

fn previous(variables: &mut Variables<'_>) -> Option<Vec<SigningKey>> {
    let secrets = variables.value(PREVIOUS).unwrap_or_default();
    secrets
        .split(',')
        .map(str::trim)
        .filter(|secret| !secret.is_empty())
        .map(|secret| key(variables, PREVIOUS, secret.as_bytes()))
        .collect()
}

fn key(variables: &mut Variables<'_>, name: &str, secret: &[u8]) -> Option<SigningKey> {
    variables.or_fault(name, SigningKey::hs256(secret))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::testing::{SECRET as GOOD, read};

    const POSTGRES: (&str, &str) = ("DATABASE_URL", "postgres://localhost/todo");

    fn source_of(variables: &[(&str, &str)]) -> SigningKeySource {
        read(variables).unwrap().signing_keys.source
    }

    fn fault_of(variables: &[(&str, &str)]) -> String {
        read(variables).unwrap_err().0.remove(0)
    }

    #[test]
    fn postgres_needs_a_key() {
        let fault = fault_of(&[POSTGRES]);
        assert!(
            fault.starts_with("JWT_SECRET is required with PostgreSQL"),
            "{fault}"
        );
        assert!(fault.contains("JWT_KEYS_FILE"), "{fault}");
    }

    #[test]
    fn the_ring_beside_an_sqlite_file_is_made_and_one_that_is_named_must_be_there() {
        let database = ("DATABASE_URL", "sqlite:///var/lib/todo.db");
        for (variables, expected, made) in [
            (&[database][..], "/var/lib/todo.db.jwt-key", true),
            (
                &[database, ("JWT_KEYS_FILE", "/etc/keys")],
                "/etc/keys",
                false,
            ),
            (
                &[POSTGRES, ("JWT_KEYS_FILE", "/etc/keys")],
                "/etc/keys",
                false,
            ),
        ] {
            let SigningKeySource::Ring { path, may_be_made } = source_of(variables) else {
                panic!("{variables:?}");
            };
            assert_eq!((path.to_str(), may_be_made), (Some(expected), made));
        }
    }

    #[test]
    fn a_key_may_be_in_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        fs::write(&path, format!("{GOOD}\n")).unwrap();
        let id = |name, value| match source_of(&[(name, value)]) {
            SigningKeySource::Secret { key, variable, .. } => {
                assert_eq!(variable, name);
                key.id().to_owned()
            }
            SigningKeySource::Ring { .. } => panic!("{name}"),
        };
        let from_file = id(SECRET_FILE, path.to_str().unwrap());
        assert_eq!(from_file, id(SECRET, GOOD));
        let fault = fault_of(&[(SECRET_FILE, "/nowhere")]);
        assert!(fault.starts_with("JWT_SECRET_FILE cannot be read"));
    }

    #[test]
    fn there_is_one_place_for_the_key() {
        for (one, other) in [
            (SECRET_FILE, SECRET),
            (KEYS_FILE, SECRET),
            (KEYS_FILE, SECRET_FILE),
        ] {
            assert_eq!(
                fault_of(&[(one, GOOD), (other, GOOD)]),
                format!("{one} must not be set together with {other}")
            );
        }
    }

    #[test]
    fn the_tokens_of_a_secret_still_count_when_a_ring_takes_its_place() {
        let variables = [("JWT_KEYS_FILE", "/etc/keys"), (PREVIOUS, GOOD)];
        let previous = read(&variables).unwrap().signing_keys.previous;
        let expected = SigningKey::hs256(GOOD.as_bytes()).unwrap();
        assert_eq!(previous[0].id(), expected.id());
    }

    #[test]
    fn a_short_key_is_refused_on_either_database() {
        for url in ["sqlite://todo.db", "postgres://localhost/todo"] {
            let error = read(&[("DATABASE_URL", url), (SECRET, "secret")]).unwrap_err();
            assert_eq!(
                error.0,
                ["JWT_SECRET must have at least 32 bytes, but has 6"]
            );
        }
    }
}
