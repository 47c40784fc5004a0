//! The files of a server that have secrets in them.

use std::path::{Path, PathBuf};

use todo_infra::{SecretFileError, restrict_secret_file};
use tracing::warn;

use crate::config::{Config, SigningKeySource};

/// The SQLite database with the files beside it, and the file of the signing keys. They need not exist.
pub(crate) fn paths(config: &Config) -> Vec<PathBuf> {
    let mut paths = Vec::new();
    if let Some(database) = config.database.url.sqlite_file() {
        paths.extend(["", "-wal", "-shm"].map(|suffix| with_suffix(database, suffix)));
    }
    match &config.signing_keys.source {
        SigningKeySource::Ring { path, .. } => paths.push(path.clone()),
        SigningKeySource::Secret { file, .. } => paths.extend(file.clone()),
    }
    paths
}

/// Restricts those that every user of the machine can use, before any of them is opened.
///
/// # Errors
/// [`SecretFileError`] for one that cannot be restricted.
pub(crate) fn restrict(paths: &[PathBuf]) -> Result<(), SecretFileError> {
    for path in paths {
        if restrict_secret_file(path)? {
            warn!(
                path = %path.display(),
                "every user of this machine could use a file with secrets, which is restricted now; if others may have read \
                 a signing key, run: todo-server keys rotate --revoke-others"
            );
        }
    }
    Ok(())
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}
