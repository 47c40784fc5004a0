//! Where sessions are kept.

use diesel::{
    ExpressionMethods, Insertable, OptionalExtension, QueryDsl, Queryable, RunQueryDsl, Selectable,
    SelectableHelper,
};
use todo_domain::{
    Session, SessionId, SessionWithSettings, Timestamp, UserId,
    ports::{InsertSessionError, SessionRepository, StorageError},
};

use super::users::settings;
use crate::database::{
    Database, Id, Instant, is_foreign_key_violation, kept_prepared,
    schema::{sessions, users},
};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = sessions)]
pub(super) struct SessionRow {
    id: Id,
    user_id: Id,
    created_at: Instant,
    expires_at: Instant,
}

impl From<SessionRow> for Session {
    fn from(row: SessionRow) -> Self {
        Self {
            id: SessionId::from_uuid(row.id.0),
            user_id: UserId::from_uuid(row.user_id.0),
            created_at: row.created_at.0,
            expires_at: row.expires_at.0,
        }
    }
}

impl From<&Session> for SessionRow {
    fn from(session: &Session) -> Self {
        Self {
            id: Id(session.id.as_uuid()),
            user_id: Id(session.user_id.as_uuid()),
            created_at: Instant(session.created_at),
            expires_at: Instant(session.expires_at),
        }
    }
}

impl SessionRepository for Database {
    fn insert(&self, session: &Session) -> Result<(), InsertSessionError> {
        self.write(|connection| {
            kept_prepared(
                diesel::insert_into(sessions::table)
                    .values(SessionRow::from(session))
                    .returning(sessions::id),
            )
            .get_result::<Id>(connection)
        })
        .map(drop)
        .map_err(|error| {
            if is_foreign_key_violation(&error) {
                InsertSessionError::UserMissing
            } else {
                InsertSessionError::Storage(error.into())
            }
        })
    }

    fn find(&self, id: SessionId) -> Result<Option<SessionWithSettings>, StorageError> {
        let row = self.read(|connection| {
            sessions::table
                .inner_join(users::table)
                .filter(sessions::id.eq(Id(id.as_uuid())))
                .select((SessionRow::as_select(), users::time_zone))
                .first::<(SessionRow, Option<String>)>(connection)
                .optional()
        })?;
        Ok(row.map(|(row, time_zone)| SessionWithSettings {
            session: row.into(),
            settings: settings(time_zone.as_deref()),
        }))
    }

    fn delete(&self, id: SessionId) -> Result<bool, StorageError> {
        let deleted = self.write(|connection| {
            diesel::delete(sessions::table.find(Id(id.as_uuid()))).execute(connection)
        })?;
        Ok(deleted > 0)
    }

    fn delete_expired(&self, now: Timestamp) -> Result<usize, StorageError> {
        let deleted = self.write(|connection| {
            diesel::delete(sessions::table.filter(sessions::expires_at.le(Instant(now))))
                .execute(connection)
        })?;
        Ok(deleted)
    }
}
