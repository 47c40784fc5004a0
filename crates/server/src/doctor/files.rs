//! Who may read the files that have secrets in them.

use std::{fs, io, path::Path};

use super::Finding;
use crate::{config::Config, secret_files};

const SUBJECT: &str = "permissions";

/// One finding for each file that is there: the database with what is beside it, and the keys.
pub(super) fn permissions(config: &Config) -> Vec<Finding> {
    let paths = secret_files::paths(config);
    paths.iter().filter_map(|path| of_file(path)).collect()
}

/// `None` where there is no file.
fn of_file(path: &Path) -> Option<Finding> {
    let shown = path.display();
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => Some(Finding::fault(
            SUBJECT,
            format!("{shown} cannot be looked at, {error}; run this as the user of the server"),
        )),
        Ok(found) if is_open_to_others(&found) => Some(Finding::warning(
            SUBJECT,
            format!("others than its owner can use {shown}; run: chmod 600 {shown}"),
        )),
        Ok(_) => Some(Finding::ok(
            SUBJECT,
            format!("{shown} is its owner's alone"),
        )),
    }
}

#[cfg(unix)]
fn is_open_to_others(found: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    found.permissions().mode() & 0o077 != 0
}

#[cfg(not(unix))]
fn is_open_to_others(_: &fs::Metadata) -> bool {
    false
}
