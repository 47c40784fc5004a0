//! Ownership and permissions of files with secrets and of configuration files.

use std::{
    fs::{File, Metadata},
    io,
    path::{Path, PathBuf},
};

/// Why a file with a secret cannot be used. The file is unchanged.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SecretFileError {
    /// Other users can access it, and its permissions cannot be changed.
    #[error(
        "{path} has a secret in it, and every user of this machine can read or write it; run: chmod o= {path}",
        path = .0.display()
    )]
    OpenToOthers(PathBuf),
    /// Its permissions cannot be read.
    #[error("the permissions of {path} cannot be read", path = .0.display())]
    Unreadable(PathBuf, #[source] io::Error),
}

/// Why a file is not trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UntrustedFile {
    /// Its owner is another user.
    #[error("it belongs to another user; only a file of the own user or of root is obeyed")]
    Owner,
    /// Other users can write to it.
    #[error("other users can write to it; run: chmod go-w on it")]
    Writable,
    /// It is a folder, a pipe or a device, and no regular file.
    #[error("it is no ordinary file")]
    Kind,
}

/// Restricts a file to its owner and group. `true` if its permissions were changed; `false` if that was not necessary, or the
/// file does not exist.
///
/// # Errors
/// [`SecretFileError::OpenToOthers`] where the file belongs to another user, or its permissions cannot be changed.
pub fn restrict_secret_file(path: &Path) -> Result<bool, SecretFileError> {
    let unreadable = |error| SecretFileError::Unreadable(path.to_owned(), error);
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(unreadable(error)),
    };
    if !is_open_to_others(&file).map_err(unreadable)? {
        return Ok(false);
    }
    match restrict(&file) {
        Ok(()) if !is_open_to_others(&file).map_err(unreadable)? => Ok(true),
        _ => Err(SecretFileError::OpenToOthers(path.to_owned())),
    }
}

#[cfg(unix)]
fn is_open_to_others(file: &File) -> io::Result<bool> {
    use std::os::unix::fs::PermissionsExt;
    Ok(file.metadata()?.permissions().mode() & 0o007 != 0)
}

#[cfg(not(unix))]
fn is_open_to_others(_: &File) -> io::Result<bool> {
    Ok(false)
}

/// Removes the permissions of other users from the open file, whatever its path leads to by now.
#[cfg(unix)]
fn restrict(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mut permissions = file.metadata()?.permissions();
    permissions.set_mode(permissions.mode() & 0o770);
    file.set_permissions(permissions)
}

#[cfg(not(unix))]
fn restrict(_: &File) -> io::Result<()> {
    Ok(())
}

/// The largest number of symbolic links that are followed.
const MAX_LINKS: usize = 40;

/// Checks that the symbolic links of a path belong to the own user or to root: the target of another user's link must not
/// be written to.
///
/// # Errors
/// An error of the system, or one that names the link.
pub fn check_own_links(path: &Path) -> io::Result<()> {
    let mut path = path.to_owned();
    for _ in 0..MAX_LINKS {
        let metadata = match path.symlink_metadata() {
            Ok(metadata) if metadata.is_symlink() => metadata,
            Ok(_) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        if is_of_another(&metadata) {
            let message = format!("{} is a link of another user", path.display());
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, message));
        }
        let target = path.read_link()?;
        path = path.parent().unwrap_or(Path::new("")).join(target);
    }
    let message = "it leads through too many links";
    Err(io::Error::new(io::ErrorKind::InvalidInput, message))
}

#[cfg(unix)]
fn is_of_another(metadata: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    metadata.uid() != 0 && metadata.uid() != rustix::process::geteuid().as_raw()
}

#[cfg(not(unix))]
fn is_of_another(_: &Metadata) -> bool {
    false
}

/// Checks that only the own user and root control the content of an open file: one of them owns it, and no others can write
/// to it. The own primary group may, since many systems give each user a group.
///
/// # Errors
/// An error of the system, or inside it the [`UntrustedFile`].
pub fn check_trusted(file: &File) -> io::Result<Result<(), UntrustedFile>> {
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Ok(Err(UntrustedFile::Kind));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        if is_of_another(&metadata) {
            return Ok(Err(UntrustedFile::Owner));
        }
        let is_of_other_group = metadata.gid() != rustix::process::getegid().as_raw();
        let mode = metadata.mode();
        if mode & 0o002 != 0 || (mode & 0o020 != 0 && is_of_other_group) {
            return Ok(Err(UntrustedFile::Writable));
        }
    }
    Ok(Ok(()))
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::{
        fs,
        os::unix::fs::{PermissionsExt, chown},
    };

    use rstest::rstest;
    use tempfile::TempDir;

    use super::*;

    /// A file with this mode.
    fn file(mode: u32) -> (TempDir, PathBuf) {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("secret");
        fs::write(&path, "a secret").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        (folder, path)
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[rstest]
    #[case(0o600, false, 0o600)]
    #[case(0o640, false, 0o640)]
    #[case(0o644, true, 0o640)]
    #[case(0o666, true, 0o660)]
    fn a_secret_file_is_restricted(
        #[case] before: u32,
        #[case] restricted: bool,
        #[case] after: u32,
    ) {
        let (_folder, path) = file(before);
        assert_eq!(restrict_secret_file(&path).unwrap(), restricted);
        assert_eq!(mode(&path), after);
    }

    #[test]
    fn a_missing_secret_file_is_no_error() {
        let folder = TempDir::new().unwrap();
        assert!(!restrict_secret_file(&folder.path().join("none")).unwrap());
    }

    #[test]
    fn a_file_that_cannot_be_restricted_is_refused() {
        // A device that everybody may write to, and whose mode nobody but root changes.
        if rustix::process::geteuid().is_root() {
            return;
        }
        let refused = restrict_secret_file(Path::new("/dev/null"));
        assert!(matches!(refused, Err(SecretFileError::OpenToOthers(_))));
    }

    #[rstest]
    #[case(0o600, Ok(()))]
    #[case(0o664, Ok(()))]
    #[case(0o646, Err(UntrustedFile::Writable))]
    fn a_file_writable_by_others_is_not_trusted(
        #[case] mode: u32,
        #[case] expected: Result<(), UntrustedFile>,
    ) {
        let (_folder, path) = file(mode);
        let found = check_trusted(&File::open(path).unwrap()).unwrap();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_link_of_another_user_is_not_followed() {
        use std::os::unix::fs::{lchown, symlink};
        const NOBODY: u32 = 65_534;
        let (folder, path) = file(0o600);
        let (near, far) = (folder.path().join("near"), folder.path().join("far"));
        symlink("secret", &near).unwrap();
        symlink(&near, &far).unwrap();
        for path in [&path, &near, &far, &folder.path().join("none")] {
            assert!(check_own_links(path).is_ok());
        }
        // Only root can give it away.
        if lchown(&near, Some(NOBODY), None).is_ok() {
            assert!(check_own_links(&path).is_ok());
            for path in [&near, &far] {
                let error = check_own_links(path).unwrap_err();
                assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
            }
        }
        let round = folder.path().join("round");
        symlink(&round, &round).unwrap();
        assert!(check_own_links(&round).is_err());
    }

    #[test]
    fn a_file_of_another_user_is_not_trusted() {
        const NOBODY: u32 = 65_534;
        let (folder, path) = file(0o600);
        let open = || File::open(&path).unwrap();
        // Only root can give files away.
        if chown(&path, Some(NOBODY), None).is_ok() {
            assert_eq!(check_trusted(&open()).unwrap(), Err(UntrustedFile::Owner));
            chown(&path, None, Some(NOBODY)).unwrap();
            chown(&path, Some(0), None).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o660)).unwrap();
            assert_eq!(
                check_trusted(&open()).unwrap(),
                Err(UntrustedFile::Writable)
            );
        }
        let folder = File::open(folder.path()).unwrap();
        assert_eq!(check_trusted(&folder).unwrap(), Err(UntrustedFile::Kind));
    }
}
