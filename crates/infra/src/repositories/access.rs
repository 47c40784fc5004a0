//! The lock and the check with which each transaction begins that grants or revokes access.
//!
//! Every such transaction first locks the row of its user, so that they happen one after the other. Then it checks the proof
//! of the access. So a grant that is derived from access which is revoked meanwhile is either written before the
//! revocation, which deletes it, or not at all.

use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, QueryResult, RunQueryDsl};
use todo_domain::{AccessProof, SessionId, UserId, ports::ProofError};

use crate::database::{
    AnyConnection, Id, Instant,
    schema::{sessions, users},
};

/// The part of a user on which proofs depend.
pub(super) struct LockedUser {
    email: String,
    hashed_password: Option<String>,
    disabled_at: Option<Instant>,
}

impl LockedUser {
    /// Whether an operator disabled the account.
    pub(super) fn is_disabled(&self) -> bool {
        self.disabled_at.is_some()
    }
}

/// Locks the row of a user until the transaction ends; `None` when there is none.
///
/// On SQLite, a transaction that writes is alone from its beginning.
pub(super) fn lock_user(
    connection: &mut AnyConnection,
    user_id: UserId,
) -> QueryResult<Option<LockedUser>> {
    let user = users::table.find(Id(user_id.as_uuid())).select((
        users::email,
        users::hashed_password,
        users::disabled_at,
    ));
    let row: Option<(String, Option<String>, Option<Instant>)> = match connection {
        AnyConnection::Postgres(own) => user.for_no_key_update().first(own),
        AnyConnection::Sqlite(own) => user.first(own),
    }
    .optional()?;
    Ok(row.map(|(email, hashed_password, disabled_at)| LockedUser {
        email,
        hashed_password,
        disabled_at,
    }))
}

/// Locks the user of a proof, and checks that the proof holds. It does so until the transaction ends.
pub(super) fn lock_and_check(
    connection: &mut AnyConnection,
    proof: &AccessProof,
) -> QueryResult<Result<(), ProofError>> {
    let Some(user) = lock_user(connection, proof.user_id())? else {
        return Ok(Err(ProofError::UserMissing));
    };
    if let Some(id) = proof.session()
        && !lock_session(connection, proof.user_id(), id)?
    {
        return Ok(Err(ProofError::SessionEnded));
    }
    if let Some(hash) = proof.password_hash()
        && user.hashed_password.as_deref() != Some(hash.expose())
    {
        return Ok(Err(ProofError::PasswordChanged));
    }
    if let Some(email) = proof.email()
        && user.email != email.as_str()
    {
        return Ok(Err(ProofError::EmailChanged));
    }
    if user.is_disabled() {
        return Ok(Err(ProofError::UserDisabled));
    }
    Ok(Ok(()))
}

/// Keeps a session from being deleted until the transaction ends; `false` when the user has no such session. The deletion
/// of a single session does not lock the user.
fn lock_session(
    connection: &mut AnyConnection,
    user_id: UserId,
    id: SessionId,
) -> QueryResult<bool> {
    let session = sessions::table
        .find(Id(id.as_uuid()))
        .filter(sessions::user_id.eq(Id(user_id.as_uuid())))
        .select(sessions::id);
    let found: Option<Id> = match connection {
        AnyConnection::Postgres(own) => session.for_key_share().first(own),
        AnyConnection::Sqlite(own) => session.first(own),
    }
    .optional()?;
    Ok(found.is_some())
}
