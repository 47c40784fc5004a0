//! The user repository.

use diesel::{
    AsChangeset, ExpressionMethods, Insertable, OptionalExtension, QueryDsl, QueryResult,
    Queryable, RunQueryDsl, Selectable, SelectableHelper, TextExpressionMethods, dsl::exists,
    select,
};
use todo_domain::{
    AccessProof, Credentials, DisplayName, Email, PasswordHash, Revocation, SecurityEvent,
    SessionStart, TimeZone, Timestamp, User, UserChange, UserId,
    ports::{InsertUserError, ProofError, StorageError, UserRepository},
};

use super::{
    access::{lock_and_check, lock_user},
    revocation::revoke,
    security_events::record,
    sessions::begin_session,
    user_settings::settings,
};
use crate::database::{
    AnyConnection, Database, Id, Instant, MultiBackend, cached, is_unique_violation,
    schema::{tasks, user_usage, users},
};

#[derive(Queryable, Selectable)]
#[diesel(table_name = users)]
struct UserRow {
    id: Id,
    email: String,
    email_verified: bool,
    name: Option<String>,
    created_at: Instant,
    updated_at: Instant,
    time_zone: Option<String>,
}

impl From<UserRow> for User {
    fn from(row: UserRow) -> Self {
        Self {
            id: UserId::from_uuid(row.id.0),
            email: Email::from_stored(row.email),
            email_verified: row.email_verified,
            name: row.name.map(DisplayName::from_stored),
            settings: settings(row.time_zone.as_deref()),
            created_at: row.created_at.0,
            updated_at: row.updated_at.0,
        }
    }
}

#[derive(Insertable)]
#[diesel(table_name = users)]
struct NewUserRow<'a> {
    id: Id,
    email: &'a str,
    hashed_password: &'a str,
    email_verified: bool,
    name: Option<&'a str>,
    created_at: Instant,
    updated_at: Instant,
    time_zone: Option<String>,
}

/// What is set of a user; `None` keeps.
#[derive(AsChangeset)]
#[diesel(table_name = users)]
struct ChangedUserRow<'a> {
    name: Option<&'a str>,
    time_zone: Option<Option<String>>,
    updated_at: Instant,
}

impl<'a> NewUserRow<'a> {
    fn new(user: &'a User, password_hash: &'a PasswordHash) -> Self {
        Self {
            id: Id(user.id.as_uuid()),
            email: user.email.as_str(),
            hashed_password: password_hash.expose(),
            email_verified: user.email_verified,
            name: user.name.as_ref().map(DisplayName::as_str),
            created_at: Instant(user.created_at),
            updated_at: Instant(user.updated_at),
            time_zone: user.settings.time_zone.as_ref().map(TimeZone::to_string),
        }
    }
}

fn credentials((row, hash): (UserRow, Option<String>)) -> Credentials {
    Credentials {
        user: row.into(),
        password_hash: hash.map(PasswordHash::new),
    }
}

/// Sets or clears the time at which a user was disabled, in a transaction that has locked the user.
fn set_disabled_at(
    connection: &mut AnyConnection,
    id: UserId,
    instant: Option<Instant>,
) -> QueryResult<()> {
    diesel::update(users::table.find(Id(id.as_uuid())))
        .set(users::disabled_at.eq(instant))
        .execute(connection)
        .map(drop)
}

impl UserRepository for Database {
    fn insert(
        &self,
        user: &User,
        password_hash: &PasswordHash,
        start: &SessionStart,
    ) -> Result<(), InsertUserError> {
        self.transaction(|connection| {
            cached(
                diesel::insert_into(users::table)
                    .values(NewUserRow::new(user, password_hash))
                    .returning(users::id),
            )
            .get_result::<Id>(connection)?;
            begin_session(connection, start)
        })
        .map_err(|error| {
            if is_unique_violation(&error, "ix_users_email", "users.email") {
                InsertUserError::EmailTaken
            } else {
                InsertUserError::Storage(error.into())
            }
        })
    }

    fn find(&self, id: UserId) -> Result<Option<User>, StorageError> {
        let row = self.read(|connection| {
            users::table
                .find(Id(id.as_uuid()))
                .select(UserRow::as_select())
                .first(connection)
                .optional()
        })?;
        Ok(row.map(User::from))
    }

    fn update(
        &self,
        id: UserId,
        change: &UserChange,
        now: Timestamp,
    ) -> Result<Option<User>, StorageError> {
        if change.is_empty() {
            return UserRepository::find(self, id);
        }
        let changed = ChangedUserRow {
            name: change.name.value().map(DisplayName::as_str),
            time_zone: change
                .time_zone
                .value()
                .map(|zone| zone.as_ref().map(TimeZone::to_string)),
            updated_at: Instant(now),
        };
        let row = self.write(|connection| {
            cached(
                diesel::update(users::table.find(Id(id.as_uuid())))
                    .set(&changed)
                    .returning(<UserRow as Selectable<MultiBackend>>::construct_selection()),
            )
            .get_result::<UserRow>(connection)
            .optional()
        })?;
        Ok(row.map(User::from))
    }

    fn find_credentials(&self, email: &Email) -> Result<Option<Credentials>, StorageError> {
        let row = self.read(|connection| {
            users::table
                .filter(users::email.eq(email.as_str()))
                .select((UserRow::as_select(), users::hashed_password))
                .first::<(UserRow, Option<String>)>(connection)
                .optional()
        })?;
        Ok(row.map(credentials))
    }

    fn find_credentials_of(&self, id: UserId) -> Result<Option<Credentials>, StorageError> {
        let row = self.read(|connection| {
            users::table
                .find(Id(id.as_uuid()))
                .select((UserRow::as_select(), users::hashed_password))
                .first::<(UserRow, Option<String>)>(connection)
                .optional()
        })?;
        Ok(row.map(credentials))
    }

    fn has_bcrypt_hash(&self) -> Result<bool, StorageError> {
        let pattern = format!("{}%", PasswordHash::BCRYPT_PREFIX);
        let by_bcrypt = users::table.filter(users::hashed_password.like(pattern));
        Ok(self.read(|connection| select(exists(by_bcrypt.clone())).get_result(connection))?)
    }

    fn replace_password(
        &self,
        proof: &AccessProof,
        new: &PasswordHash,
        revocation: Revocation,
        event: &SecurityEvent,
    ) -> Result<(), ProofError> {
        let id = Id(proof.user_id().as_uuid());
        self.transaction(|connection| {
            if let Err(failed) = lock_and_check(connection, proof)? {
                return Ok(Err(failed));
            }
            let update = diesel::update(users::table.find(id))
                .set((
                    users::hashed_password.eq(new.expose()),
                    users::updated_at.eq(Instant(event.created_at)),
                ))
                .returning(users::id);
            cached(update).get_result::<Id>(connection)?;
            revoke(connection, proof.user_id(), revocation)?;
            record(connection, event)?;
            Ok(Ok(()))
        })
        .map_err(StorageError::from)?
    }

    fn delete(&self, proof: &AccessProof, event: &SecurityEvent) -> Result<(), ProofError> {
        let id = Id(proof.user_id().as_uuid());
        self.transaction(|connection| {
            if let Err(failed) = lock_and_check(connection, proof)? {
                return Ok(Err(failed));
            }
            // First, so that insertions of todos wait, which lock it before their owner.
            diesel::delete(user_usage::table.find(id)).execute(connection)?;
            // Where another backend made the table, its rows do not go with their owner.
            diesel::delete(tasks::table.filter(tasks::user_id.eq(id))).execute(connection)?;
            diesel::delete(users::table.find(id)).execute(connection)?;
            record(connection, event)?;
            Ok(Ok(()))
        })
        .map_err(StorageError::from)?
    }

    fn disable(&self, id: UserId, event: &SecurityEvent) -> Result<bool, StorageError> {
        let disabled = self.transaction(|connection| {
            let Some(user) = lock_user(connection, id)? else {
                return Ok(false);
            };
            if !user.is_disabled() {
                set_disabled_at(connection, id, Some(Instant(event.created_at)))?;
                record(connection, event)?;
            }
            let everything = Revocation {
                except: None,
                tokens: true,
            };
            revoke(connection, id, everything)?;
            Ok(true)
        })?;
        Ok(disabled)
    }

    fn enable(&self, id: UserId, event: &SecurityEvent) -> Result<bool, StorageError> {
        let enabled = self.transaction(|connection| {
            let Some(user) = lock_user(connection, id)? else {
                return Ok(false);
            };
            if user.is_disabled() {
                set_disabled_at(connection, id, None)?;
                record(connection, event)?;
            }
            Ok(true)
        })?;
        Ok(enabled)
    }

    fn replace_password_hash(
        &self,
        id: UserId,
        from: &PasswordHash,
        to: &PasswordHash,
    ) -> Result<bool, StorageError> {
        let replaced = self.write(|connection| {
            let same_hash = users::table
                .find(Id(id.as_uuid()))
                .filter(users::hashed_password.eq(from.expose()));
            cached(
                diesel::update(same_hash)
                    .set(users::hashed_password.eq(to.expose()))
                    .returning(users::id),
            )
            .get_result::<Id>(connection)
            .optional()
        })?;
        Ok(replaced.is_some())
    }
}
