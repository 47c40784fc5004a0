//! What a registration and a login end with.

use todo_domain::{AccessClaims, AccessToken, Session, User};

use crate::{App, Failure};

/// A user with a session that has just begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedIn {
    /// Who signed in.
    pub user: User,
    /// The session that began.
    pub session: Session,
    /// What the client shows from now on.
    pub token: AccessToken,
}

impl SignedIn {
    /// Makes the token of `user` for `session`.
    pub(super) fn new(app: &App, user: User, session: Session) -> Result<Self, Failure> {
        let token = app.tokens.issue(&AccessClaims::new(&user, &session))?;
        Ok(Self {
            user,
            session,
            token,
        })
    }
}
