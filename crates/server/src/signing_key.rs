//! The key that signs access tokens, where none is configured: made once, and kept beside the SQLite file.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use todo_infra::{SigningKey, SigningKeyTooShort};

/// The key could not be read or made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SigningKeyError {
    #[error("the signing key {0} cannot be read or made")]
    File(PathBuf, #[source] io::Error),
    #[error("no random signing key can be made")]
    Random(#[source] getrandom::Error),
    #[error(
        "the signing key {0} is not whole; delete it to have another made, which logs everyone out"
    )]
    TooShort(PathBuf, #[source] SigningKeyTooShort),
}

const LENGTH: usize = 64;

/// The key beside an SQLite file. Programs that start together make one and all use it.
pub(crate) fn beside(database: &Path) -> Result<SigningKey, SigningKeyError> {
    let mut path = database.as_os_str().to_owned();
    path.push(".jwt-key");
    let path = PathBuf::from(path);
    let secret = match read(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => make(&path)?,
        secret => secret.map_err(|error| SigningKeyError::File(path.clone(), error))?,
    };
    SigningKey::new(&secret).map_err(|error| SigningKeyError::TooShort(path, error))
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut secret = Vec::new();
    File::open(path)?.read_to_end(&mut secret)?;
    Ok(secret)
}

/// Makes a key that only the owner can read. It takes its place whole, and only if there is none by then.
fn make(path: &Path) -> Result<Vec<u8>, SigningKeyError> {
    let mut secret = vec![0; LENGTH];
    getrandom::fill(&mut secret).map_err(SigningKeyError::Random)?;
    let mut draft = path.as_os_str().to_owned();
    draft.push(format!(
        ".{}-{:?}",
        std::process::id(),
        std::thread::current().id()
    ));
    let draft = PathBuf::from(draft);
    let placed = write_for_owner_only(&draft, &secret).and_then(|()| fs::hard_link(&draft, path));
    let cleared = fs::remove_file(&draft);
    match placed {
        Ok(()) => cleared.map(|()| secret),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => read(path),
        Err(error) => Err(error),
    }
    .map_err(|error| SigningKeyError::File(path.to_owned(), error))
}

fn write_for_owner_only(path: &Path, secret: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(secret)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn a_key_is_made_once_for_its_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("todo.db");
        let first = format!("{:?}", beside(&database).unwrap());
        let again = format!("{:?}", beside(&database).unwrap());
        assert_eq!(first, again);
        let files: Vec<_> = fs::read_dir(&folder).unwrap().map(Result::unwrap).collect();
        assert_eq!(files.len(), 1);
        assert_eq!(files[0].file_name(), "todo.db.jwt-key");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = files[0].metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn a_key_that_another_made_meanwhile_is_used() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        fs::write(&path, [7; LENGTH]).unwrap();
        assert_eq!(make(&path).unwrap(), [7; LENGTH]);
    }

    #[test]
    fn a_key_that_is_not_whole_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("todo.db");
        fs::write(folder.path().join("todo.db.jwt-key"), "short").unwrap();
        let error = beside(&database).unwrap_err();
        assert!(matches!(error, SigningKeyError::TooShort(..)), "{error}");
    }

    #[test]
    fn readers_never_see_half_a_key() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("todo.db");
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    beside(&database).unwrap();
                });
            }
        });
    }
}
