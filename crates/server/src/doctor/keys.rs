//! Whether there are keys that sign tokens.

use std::sync::Arc;

use todo_infra::{KeyRingError, KeyRingFile, SystemClock};

use super::Finding;
use crate::config::SigningKeySource;

const SUBJECT: &str = "signing keys";

pub(super) fn ring(source: &SigningKeySource) -> Finding {
    let (path, may_be_made) = match source {
        SigningKeySource::Secret { variable, .. } => {
            return Finding::ok(SUBJECT, format!("one is in {variable}"));
        }
        SigningKeySource::Ring { path, may_be_made } => (path, *may_be_made),
    };
    let file = KeyRingFile::new(path.clone(), Arc::new(SystemClock));
    match file.keys() {
        Ok(keys) => Finding::ok(SUBJECT, format!("{} in {}", keys.len(), path.display())),
        Err(KeyRingError::Missing(_)) if may_be_made => Finding::ok(
            SUBJECT,
            format!("{} will be made at the first start", path.display()),
        ),
        Err(error @ KeyRingError::Missing(_)) => Finding::failure(
            SUBJECT,
            &error,
            "mount its folder, or make one with: todo-server keys rotate",
        ),
        Err(error) => Finding::failure(
            SUBJECT,
            &error,
            "put the copy that you keep of it in its place; a new one logs everybody out",
        ),
    }
}
