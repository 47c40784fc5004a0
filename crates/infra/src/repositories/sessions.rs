//! The session repository.

use diesel::{
    BoolExpressionMethods, ExpressionMethods, Insertable, OptionalExtension, QueryDsl, QueryResult,
    Queryable, RunQueryDsl, Selectable, SelectableHelper, dsl::sql, sql_types::Bool,
};
use todo_domain::{
    AccessProof, Revocation, SecurityEvent, Session, SessionId, SessionPolicy, SessionStart,
    SessionWithSettings, Timestamp, UserId,
    ports::{ProofError, SessionRepository, StorageError},
};

use super::{
    access::lock_and_check,
    clients::{client, columns},
    deletion::Deletion,
    revocation::revoke,
    security_events::record,
    user_settings::settings,
};
use crate::database::{
    AnyConnection, Database, Id, Instant, cached,
    columns::sql::{IdColumn, InstantColumn},
    schema::{mailed_secrets, personal_access_tokens, sessions, users},
};

/// A session. A null instant means the creation time; earlier versions write null.
#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = sessions)]
#[diesel(treat_none_as_default_value = false)]
struct SessionRow {
    id: Id,
    user_id: Id,
    created_at: Instant,
    expires_at: Instant,
    last_used_at: Option<Instant>,
    generation: i32,
    rotated_at: Option<Instant>,
    address: Option<String>,
    user_agent: Option<String>,
}

impl From<SessionRow> for Session {
    fn from(row: SessionRow) -> Self {
        let or_beginning = |instant: Option<Instant>| instant.unwrap_or(row.created_at).0;
        Self {
            id: SessionId::from_uuid(row.id.0),
            user_id: UserId::from_uuid(row.user_id.0),
            created_at: row.created_at.0,
            expires_at: row.expires_at.0,
            last_used_at: or_beginning(row.last_used_at),
            generation: row.generation.cast_unsigned(),
            rotated_at: or_beginning(row.rotated_at),
            client: client(row.address.as_deref(), row.user_agent.as_deref()),
        }
    }
}

impl From<&Session> for SessionRow {
    fn from(session: &Session) -> Self {
        let (address, user_agent) = columns(&session.client);
        Self {
            id: Id(session.id.as_uuid()),
            user_id: Id(session.user_id.as_uuid()),
            created_at: Instant(session.created_at),
            expires_at: Instant(session.expires_at),
            last_used_at: Some(Instant(session.last_used_at)),
            generation: session.generation.cast_signed(),
            rotated_at: Some(Instant(session.rotated_at)),
            address,
            user_agent,
        }
    }
}

/// Inserts a session with its event, and deletes the session that it replaces, in the transaction that grants it.
pub(super) fn begin_session(
    connection: &mut AnyConnection,
    start: &SessionStart,
) -> QueryResult<()> {
    let insert = diesel::insert_into(sessions::table)
        .values(SessionRow::from(&start.session))
        .returning(sessions::id);
    cached(insert).get_result::<Id>(connection)?;
    record(connection, &start.event)?;
    if let Some(replaced) = &start.replaces {
        delete_session(connection, replaced.user_id, replaced.id, &replaced.event)?;
    }
    Ok(())
}

/// Evicts the least recently used sessions of a user, whose row is locked, so that with the new one there are no more than
/// `quota`. One event stands for all of them: there are several only if the quota was lowered.
fn evict_sessions(
    connection: &mut AnyConnection,
    start: &SessionStart,
    quota: u32,
) -> QueryResult<()> {
    let evicted: Vec<Id> = cached(
        sessions::table
            .filter(sessions::user_id.eq(Id(start.session.user_id.as_uuid())))
            .order((
                sql::<InstantColumn>("coalesce(last_used_at, created_at) DESC"),
                sessions::id.desc(),
            ))
            .offset(i64::from(quota.saturating_sub(1)))
            .limit(EVICTED_AT_A_TIME)
            .select(sessions::id),
    )
    .load(connection)?;
    let Some(first) = evicted.first() else {
        return Ok(());
    };
    let event = start
        .eviction
        .clone()
        .of_session(SessionId::from_uuid(first.0));
    diesel::delete(sessions::table.filter(sessions::id.eq_any(evicted))).execute(connection)?;
    record(connection, &event)
}

/// The largest number of sessions that one login evicts.
const EVICTED_AT_A_TIME: i64 = 1_000;

/// Deletes a session and records the event, in a transaction; `false` if the user has no such session.
fn delete_session(
    connection: &mut AnyConnection,
    user_id: UserId,
    id: SessionId,
    event: &SecurityEvent,
) -> QueryResult<bool> {
    let of_user = sessions::table
        .find(Id(id.as_uuid()))
        .filter(sessions::user_id.eq(Id(user_id.as_uuid())));
    let deleted = diesel::delete(of_user).execute(connection)?;
    if deleted > 0 {
        record(connection, event)?;
    }
    Ok(deleted > 0)
}

impl SessionRepository for Database {
    fn insert(&self, start: &SessionStart, proof: &AccessProof) -> Result<(), ProofError> {
        let quotas = self.quotas();
        self.transaction(|connection| {
            if let Err(failed) = lock_and_check(connection, proof)? {
                return Ok(Err(failed));
            }
            evict_sessions(connection, start, quotas.sessions)?;
            begin_session(connection, start)?;
            Ok(Ok(()))
        })
        .map_err(StorageError::from)?
    }

    fn find(&self, id: SessionId) -> Result<Option<SessionWithSettings>, StorageError> {
        let row = self.read(|connection| {
            sessions::table
                .inner_join(users::table)
                .filter(sessions::id.eq(Id(id.as_uuid())))
                .filter(users::disabled_at.is_null())
                .select((SessionRow::as_select(), users::time_zone))
                .first::<(SessionRow, Option<String>)>(connection)
                .optional()
        })?;
        Ok(row.map(|(row, time_zone)| SessionWithSettings {
            session: row.into(),
            settings: settings(time_zone.as_deref()),
        }))
    }

    fn list(&self, user_id: UserId) -> Result<Vec<Session>, StorageError> {
        let rows = self.read(|connection| {
            sessions::table
                .filter(sessions::user_id.eq(Id(user_id.as_uuid())))
                .order((sessions::created_at.desc(), sessions::id.desc()))
                .select(SessionRow::as_select())
                .load(connection)
        })?;
        Ok(rows.into_iter().map(Session::from).collect())
    }

    fn list_after(
        &self,
        user_id: UserId,
        after: Option<(Timestamp, SessionId)>,
        limit: u32,
    ) -> Result<Vec<Session>, StorageError> {
        let rows = self.read(|connection| {
            let mut query = sessions::table
                .filter(sessions::user_id.eq(Id(user_id.as_uuid())))
                .order((sessions::created_at.desc(), sessions::id.desc()))
                .limit(limit.into())
                .select(SessionRow::as_select())
                .into_boxed();
            if let Some((instant, id)) = after {
                query = query.filter(
                    sql::<Bool>("(sessions.created_at, sessions.id) < (")
                        .bind::<InstantColumn, _>(Instant(instant))
                        .sql(", ")
                        .bind::<IdColumn, _>(Id(id.as_uuid()))
                        .sql(")"),
                );
            }
            cached(query).load(connection)
        })?;
        Ok(rows.into_iter().map(Session::from).collect())
    }

    fn record_use(&self, id: SessionId, now: Timestamp) -> Result<(), StorageError> {
        self.write(|connection| {
            let used_before = sessions::last_used_at.lt(Instant(now));
            let session = sessions::table
                .find(Id(id.as_uuid()))
                .filter(used_before.or(sessions::last_used_at.is_null()));
            cached(
                diesel::update(session)
                    .set(sessions::last_used_at.eq(Instant(now)))
                    .returning(sessions::id),
            )
            .get_results::<Id>(connection)
        })?;
        Ok(())
    }

    fn rotate(&self, id: SessionId, from: u32, now: Timestamp) -> Result<bool, StorageError> {
        let rotated = self.write(|connection| {
            let of_generation = sessions::table
                .find(Id(id.as_uuid()))
                .filter(sessions::generation.eq(from.cast_signed()));
            cached(
                diesel::update(of_generation)
                    .set((
                        sessions::generation.eq(from.wrapping_add(1).cast_signed()),
                        sessions::rotated_at.eq(Instant(now)),
                        sessions::last_used_at.eq(Instant(now)),
                    ))
                    .returning(sessions::id),
            )
            .get_result::<Id>(connection)
            .optional()
        })?;
        Ok(rotated.is_some())
    }

    fn delete(
        &self,
        user_id: UserId,
        id: SessionId,
        event: &SecurityEvent,
    ) -> Result<bool, StorageError> {
        let deleted =
            self.transaction(|connection| delete_session(connection, user_id, id, event))?;
        Ok(deleted)
    }

    fn revoke_all(
        &self,
        proof: &AccessProof,
        revocation: Revocation,
        event: &SecurityEvent,
    ) -> Result<usize, ProofError> {
        self.transaction(|connection| {
            if let Err(failed) = lock_and_check(connection, proof)? {
                return Ok(Err(failed));
            }
            let revoked = revoke(connection, proof.user_id(), revocation)?;
            if !revoked.is_nothing() {
                record(connection, event)?;
            }
            Ok(Ok(revoked.sessions))
        })
        .map_err(StorageError::from)?
    }

    fn list_users_with_access(
        &self,
        after: Option<UserId>,
        limit: u32,
    ) -> Result<Vec<UserId>, StorageError> {
        macro_rules! users_of {
            ($table:ident, $connection:expr) => {{
                let mut query = $table::table
                    .select($table::user_id)
                    .distinct()
                    .order($table::user_id)
                    .limit(limit.into())
                    .into_boxed();
                if let Some(after) = after {
                    query = query.filter($table::user_id.gt(Id(after.as_uuid())));
                }
                query.load::<Id>($connection)?
            }};
        }
        let mut ids = self.read(|connection| {
            let mut ids = users_of!(sessions, connection);
            ids.extend(users_of!(personal_access_tokens, connection));
            ids.extend(users_of!(mailed_secrets, connection));
            Ok(ids)
        })?;
        ids.sort_unstable_by_key(|id| id.0);
        ids.dedup_by_key(|id| id.0);
        // Each of the three lists is complete up to its last id, so the smallest ids of all three are complete as well.
        ids.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(ids.into_iter().map(|id| UserId::from_uuid(id.0)).collect())
    }

    fn delete_ended(&self, now: Timestamp, policy: &SessionPolicy) -> Result<usize, StorageError> {
        let unused_since = Instant(now.saturating_sub(policy.idle));
        Deletion {
            table: "sessions",
            key: "id",
            condition: "expires_at <= $1 OR last_used_at <= $2 OR (last_used_at IS NULL AND created_at <= $3)",
            instants: &[Instant(now), unused_since, unused_since],
        }
        .run(self)
    }
}
