//! Revocation of the access of a user.

use diesel::{ExpressionMethods, QueryDsl, QueryResult, RunQueryDsl};
use todo_domain::{Revocation, SessionId, UserId};

use crate::database::{
    AnyConnection, Id,
    schema::{mailed_secrets, personal_access_tokens, sessions},
};

/// The number of rows that a revocation deleted.
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

/// Deletes every session of a user except one.
fn delete_all_sessions(
    connection: &mut AnyConnection,
    user_id: UserId,
    except: Option<SessionId>,
) -> QueryResult<usize> {
    let of_user = sessions::table.filter(sessions::user_id.eq(Id(user_id.as_uuid())));
    match except {
        None => diesel::delete(of_user).execute(connection),
        Some(id) => {
            diesel::delete(of_user.filter(sessions::id.ne(Id(id.as_uuid())))).execute(connection)
        }
    }
}

/// Deletes every mailed secret of a user.
pub(super) fn delete_all_secrets(
    connection: &mut AnyConnection,
    user_id: UserId,
) -> QueryResult<usize> {
    let of_user = mailed_secrets::table.filter(mailed_secrets::user_id.eq(Id(user_id.as_uuid())));
    diesel::delete(of_user).execute(connection)
}

/// Deletes every personal access token of a user, and returns their number.
pub(super) fn delete_all_tokens(
    connection: &mut AnyConnection,
    user_id: UserId,
) -> QueryResult<usize> {
    let of_user = personal_access_tokens::table
        .filter(personal_access_tokens::user_id.eq(Id(user_id.as_uuid())));
    diesel::delete(of_user).execute(connection)
}
