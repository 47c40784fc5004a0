//! What registering and logging in are answered with.

use serde::Serialize;
use todo_application::account::SignedIn;
use utoipa::ToSchema;

use crate::wire::UserResponse;

/// A user with a session that has just begun.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SignedIn)]
pub(crate) struct SignedInResponse<'a> {
    user: UserResponse<'a>,
    /// What to send as `Authorization: Bearer …` from now on.
    token: &'a str,
}

impl<'a> From<&'a SignedIn> for SignedInResponse<'a> {
    fn from(signed_in: &'a SignedIn) -> Self {
        Self {
            user: (&signed_in.user).into(),
            token: signed_in.token.expose(),
        }
    }
}
