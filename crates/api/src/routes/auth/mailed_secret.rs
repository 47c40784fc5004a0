//! Tokens that were mailed, as clients send them.

use todo_api_types::errors::INVALID_MAILED_TOKEN;
use todo_domain::{Secret, SecretKind};

/// Reads a token of this kind. What is none is told as one that does not count any more is.
pub(super) fn mailed_secret(kind: SecretKind) -> impl Fn(&str) -> Result<Secret, &'static str> {
    move |text| Secret::parse(kind, text).ok().ok_or(INVALID_MAILED_TOKEN)
}
