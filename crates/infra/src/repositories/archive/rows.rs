//! Conversion between rows of users and archive records.

use diesel::{Insertable, Queryable, Selectable};
use todo_domain::{
    Credentials, DisplayName, Email, ExportedUser, PasswordHash, TimeZone, User, UserId,
};

use crate::{
    database::{Id, Instant, schema::users},
    repositories::user_settings::settings,
};

/// All columns.
#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = users)]
#[diesel(treat_none_as_default_value = false)]
pub(super) struct ExportedUserRow {
    pub(super) id: Id,
    email: String,
    hashed_password: Option<String>,
    email_verified: bool,
    name: Option<String>,
    image: Option<String>,
    created_at: Instant,
    updated_at: Instant,
    time_zone: Option<String>,
    disabled_at: Option<Instant>,
}

impl From<ExportedUserRow> for ExportedUser {
    fn from(row: ExportedUserRow) -> Self {
        Self {
            credentials: Credentials {
                user: User {
                    id: UserId::from_uuid(row.id.0),
                    email: Email::from_stored(row.email),
                    email_verified: row.email_verified,
                    name: row.name.map(DisplayName::from_stored),
                    settings: settings(row.time_zone.as_deref()),
                    created_at: row.created_at.0,
                    updated_at: row.updated_at.0,
                },
                password_hash: row.hashed_password.map(PasswordHash::new),
            },
            image: row.image,
            disabled_at: row.disabled_at.map(|instant| instant.0),
        }
    }
}

impl From<ExportedUser> for ExportedUserRow {
    fn from(archived: ExportedUser) -> Self {
        let Credentials {
            user,
            password_hash,
        } = archived.credentials;
        Self {
            id: Id(user.id.as_uuid()),
            email: user.email.into(),
            hashed_password: password_hash.map(|hash| hash.expose().to_owned()),
            email_verified: user.email_verified,
            name: user.name.map(DisplayName::into),
            image: archived.image,
            disabled_at: archived.disabled_at.map(Instant),
            created_at: Instant(user.created_at),
            updated_at: Instant(user.updated_at),
            time_zone: user.settings.time_zone.map(TimeZone::into),
        }
    }
}
