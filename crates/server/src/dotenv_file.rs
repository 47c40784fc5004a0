//! The file `.env` of the working directory.

use std::{fs::File, io};

use todo_infra::{UntrustedFile, check_trusted};

const NAME: &str = ".env";

/// The file cannot be used. What is in it is not repeated, since there may be secrets in it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DotenvError {
    #[error("the file .env cannot be used: {0}")]
    Untrusted(UntrustedFile),
    #[error("the file .env cannot be used: {0}")]
    Io(io::Error),
    #[error(
        "the file .env cannot be used: a line of it is not NAME=value, or has an unclosed quote"
    )]
    Malformed,
}

/// Sets the variables of the file that are not set. Only the working directory is looked at, and only a file is obeyed that
/// nobody else can have written. It is checked and read through one handle, so that it is the same.
pub(crate) fn load() -> Result<(), DotenvError> {
    let file = match File::open(NAME) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(DotenvError::Io(error)),
    };
    check_trusted(&file)
        .map_err(DotenvError::Io)?
        .map_err(DotenvError::Untrusted)?;
    dotenvy::from_read(file).map_err(|error| match error {
        dotenvy::Error::Io(error) => DotenvError::Io(error),
        _ => DotenvError::Malformed,
    })
}
