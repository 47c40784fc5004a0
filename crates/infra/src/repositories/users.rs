//! Where users are kept.

use diesel::{
    ExpressionMethods, Insertable, OptionalExtension, QueryDsl, Queryable, RunQueryDsl, Selectable,
    SelectableHelper,
};
use todo_domain::{
    Credentials, DisplayName, Email, PasswordHash, Session, User, UserId,
    ports::{InsertUserError, StorageError, UserRepository},
};

use super::sessions::SessionRow;
use crate::database::{
    Database, Id, Instant, is_unique_violation, kept_prepared,
    schema::{sessions, users},
};

#[derive(Queryable, Selectable)]
#[diesel(table_name = users)]
struct UserRow {
    id: Id,
    email: String,
    name: Option<String>,
    created_at: Instant,
    updated_at: Instant,
}

impl From<UserRow> for User {
    fn from(row: UserRow) -> Self {
        Self {
            id: UserId::from_uuid(row.id.0),
            email: Email::from_stored(row.email),
            name: row.name.map(DisplayName::from_stored),
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
}

impl<'a> NewUserRow<'a> {
    fn new(user: &'a User, password_hash: &'a PasswordHash) -> Self {
        Self {
            id: Id(user.id.as_uuid()),
            email: user.email.as_str(),
            hashed_password: password_hash.expose(),
            email_verified: false,
            name: user.name.as_ref().map(DisplayName::as_str),
            created_at: Instant(user.created_at),
            updated_at: Instant(user.updated_at),
        }
    }
}

impl UserRepository for Database {
    fn insert(
        &self,
        user: &User,
        password_hash: &PasswordHash,
        session: &Session,
    ) -> Result<(), InsertUserError> {
        self.transaction(|connection| {
            kept_prepared(
                diesel::insert_into(users::table)
                    .values(NewUserRow::new(user, password_hash))
                    .returning(users::id),
            )
            .get_result::<Id>(connection)?;
            kept_prepared(
                diesel::insert_into(sessions::table)
                    .values(SessionRow::from(session))
                    .returning(sessions::id),
            )
            .get_result::<Id>(connection)?;
            Ok(())
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

    fn find_credentials(&self, email: &Email) -> Result<Option<Credentials>, StorageError> {
        let row = self.read(|connection| {
            users::table
                .filter(users::email.eq(email.as_str()))
                .select((UserRow::as_select(), users::hashed_password))
                .first::<(UserRow, Option<String>)>(connection)
                .optional()
        })?;
        Ok(row.map(|(row, hash)| Credentials {
            user: row.into(),
            password_hash: hash.map(PasswordHash::new),
        }))
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
            kept_prepared(
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
