//! Granting and revoking access: the lock and the check with which each such transaction begins.
//!
//! Every transaction that grants or revokes access first locks the row of its user, so that they happen one after the
//! other. Then it checks the proof of the access. So a grant that was derived from something which is revoked meanwhile is
//! either written before the revocation, which deletes it, or not at all.

use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, QueryResult, RunQueryDsl};
use todo_domain::{AccessProof, Revocation, SessionId, UserId, ports::ProofError};

use super::{
    mailed_secrets::delete_all_secrets, personal_access_tokens::delete_all_tokens,
    sessions::delete_all_sessions,
};
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

/// The rows that a revocation deleted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Revoked {
    pub(super) sessions: usize,
    others: usize,
}

impl Revoked {
    /// Whether there was nothing to revoke.
    pub(super) fn is_nothing(self) -> bool {
        self.sessions + self.others == 0
    }
}

/// Revokes the access of a user, whose row is locked.
pub(super) fn revoke(
    connection: &mut AnyConnection,
    user_id: UserId,
    revocation: Revocation,
) -> QueryResult<Revoked> {
    let sessions = delete_all_sessions(connection, user_id, revocation.except)?;
    let secrets = delete_all_secrets(connection, user_id)?;
    let tokens = if revocation.tokens {
        delete_all_tokens(connection, user_id)?
    } else {
        0
    };
    Ok(Revoked {
        sessions,
        others: secrets + tokens,
    })
}
