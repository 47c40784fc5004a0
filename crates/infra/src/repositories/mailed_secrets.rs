//! Where it is kept which secrets were mailed.

use diesel::{
    BoolExpressionMethods, ExpressionMethods, Insertable, OptionalExtension, QueryDsl, QueryResult,
    Queryable, RunQueryDsl, Selectable, SelectableHelper, dsl::exists, select,
};
use todo_domain::{
    Email, MailedSecret, PasswordHash, SecretDigest, SecurityEvent, Timestamp, UserId,
    ports::{BoxError, ChangeEmailError, MailedSecrets, StorageError},
};

use super::{
    personal_access_tokens::delete_all_tokens, security_events::record, sessions::delete_all_rows,
};
use crate::database::{
    AnyConnection, Database, Id, Instant, is_unique_violation, kept_prepared,
    schema::{mailed_secrets, users},
};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = mailed_secrets)]
struct MailedSecretRow {
    digest: Vec<u8>,
    user_id: Id,
    purpose: String,
    email: String,
    created_at: Instant,
    expires_at: Instant,
}

impl From<&MailedSecret> for MailedSecretRow {
    fn from(secret: &MailedSecret) -> Self {
        Self {
            digest: secret.digest.as_bytes().to_vec(),
            user_id: Id(secret.user_id.as_uuid()),
            purpose: secret.purpose.as_str().to_owned(),
            email: secret.email.as_str().to_owned(),
            created_at: Instant(secret.created_at),
            expires_at: Instant(secret.expires_at),
        }
    }
}

impl TryFrom<MailedSecretRow> for MailedSecret {
    type Error = BoxError;

    fn try_from(row: MailedSecretRow) -> Result<Self, Self::Error> {
        Ok(Self {
            digest: SecretDigest::from_bytes(row.digest.as_slice().try_into()?),
            user_id: UserId::from_uuid(row.user_id.0),
            purpose: row.purpose.parse()?,
            email: Email::from_stored(row.email),
            created_at: row.created_at.0,
            expires_at: row.expires_at.0,
        })
    }
}

/// Has every other transaction about the mailed secrets of a user wait for this one; `false` when the user is gone. An
/// update that changes nothing does that, on both databases.
///
/// Each of them begins with this, so that they lock their rows in one order.
fn lock(connection: &mut AnyConnection, user_id: Id) -> QueryResult<bool> {
    let locked = diesel::update(users::table.find(user_id))
        .set(users::email_verified.eq(users::email_verified))
        .returning(users::id);
    let locked = kept_prepared(locked).get_result::<Id>(connection);
    Ok(locked.optional()?.is_some())
}

/// Takes a secret that still counts away; `false` when there is none, or its user is gone.
fn redeem(
    connection: &mut AnyConnection,
    secret: &MailedSecret,
    now: Timestamp,
) -> QueryResult<bool> {
    if !lock(connection, Id(secret.user_id.as_uuid()))? {
        return Ok(false);
    }
    let live = mailed_secrets::table
        .find(secret.digest.as_bytes().as_slice())
        .filter(mailed_secrets::user_id.eq(Id(secret.user_id.as_uuid())))
        .filter(mailed_secrets::purpose.eq(secret.purpose.as_str()))
        .filter(mailed_secrets::expires_at.gt(Instant(now)));
    Ok(diesel::delete(live).execute(connection)? == 1)
}

fn delete_all_of(connection: &mut AnyConnection, user_id: Id) -> QueryResult<usize> {
    diesel::delete(mailed_secrets::table.filter(mailed_secrets::user_id.eq(user_id)))
        .execute(connection)
}

impl MailedSecrets for Database {
    fn insert(
        &self,
        secret: &MailedSecret,
        event: Option<&SecurityEvent>,
    ) -> Result<bool, StorageError> {
        let row = MailedSecretRow::from(secret);
        let inserted = self.transaction(|connection| {
            if !lock(connection, row.user_id)? {
                return Ok(false);
            }
            let of_purpose = mailed_secrets::user_id
                .eq(row.user_id)
                .and(mailed_secrets::purpose.eq(secret.purpose.as_str()));
            let too_late = Instant(secret.none_made_after());
            let recent = mailed_secrets::table
                .filter(of_purpose)
                .filter(mailed_secrets::created_at.gt(too_late));
            if select(exists(recent)).get_result::<bool>(connection)? {
                return Ok(false);
            }
            diesel::delete(mailed_secrets::table.filter(of_purpose)).execute(connection)?;
            let insert = diesel::insert_into(mailed_secrets::table)
                .values(row)
                .returning(mailed_secrets::user_id);
            kept_prepared(insert).get_result::<Id>(connection)?;
            if let Some(event) = event {
                record(connection, event)?;
            }
            Ok(true)
        })?;
        Ok(inserted)
    }

    fn find(&self, digest: &SecretDigest) -> Result<Option<MailedSecret>, StorageError> {
        let row = self.read(|connection| {
            mailed_secrets::table
                .find(digest.as_bytes().as_slice())
                .select(MailedSecretRow::as_select())
                .first(connection)
                .optional()
        })?;
        row.map(|row| MailedSecret::try_from(row).map_err(StorageError::Internal))
            .transpose()
    }

    fn reset_password(
        &self,
        secret: &MailedSecret,
        password_hash: &PasswordHash,
        now: Timestamp,
        event: &SecurityEvent,
    ) -> Result<bool, StorageError> {
        let user_id = Id(secret.user_id.as_uuid());
        let reset = self.transaction(|connection| {
            if !redeem(connection, secret, now)? {
                return Ok(false);
            }
            let of_address = users::table
                .find(user_id)
                .filter(users::email.eq(secret.email.as_str()));
            let update = diesel::update(of_address)
                .set((
                    users::hashed_password.eq(password_hash.expose()),
                    users::email_verified.eq(true),
                    users::updated_at.eq(Instant(now)),
                ))
                .returning(users::id);
            let updated = kept_prepared(update).get_result::<Id>(connection);
            if updated.optional()?.is_none() {
                return Ok(false);
            }
            delete_all_of(connection, user_id)?;
            delete_all_rows(connection, secret.user_id, None)?;
            delete_all_tokens(connection, secret.user_id)?;
            record(connection, event)?;
            Ok(true)
        })?;
        Ok(reset)
    }

    fn verify_email(
        &self,
        secret: &MailedSecret,
        now: Timestamp,
        event: &SecurityEvent,
    ) -> Result<bool, StorageError> {
        let verified = self.transaction(|connection| {
            if !redeem(connection, secret, now)? {
                return Ok(false);
            }
            let of_address = users::table
                .find(Id(secret.user_id.as_uuid()))
                .filter(users::email.eq(secret.email.as_str()));
            let update = diesel::update(of_address)
                .set((
                    users::email_verified.eq(true),
                    users::updated_at.eq(Instant(now)),
                ))
                .returning(users::id);
            let updated = kept_prepared(update).get_result::<Id>(connection);
            if updated.optional()?.is_none() {
                return Ok(false);
            }
            record(connection, event)?;
            Ok(true)
        })?;
        Ok(verified)
    }

    fn change_email(
        &self,
        secret: &MailedSecret,
        now: Timestamp,
        event: &SecurityEvent,
    ) -> Result<bool, ChangeEmailError> {
        let user_id = Id(secret.user_id.as_uuid());
        self.transaction(|connection| {
            if !redeem(connection, secret, now)? {
                return Ok(false);
            }
            let update = diesel::update(users::table.find(user_id))
                .set((
                    users::email.eq(secret.email.as_str()),
                    users::email_verified.eq(true),
                    users::updated_at.eq(Instant(now)),
                ))
                .returning(users::id);
            kept_prepared(update).get_result::<Id>(connection)?;
            delete_all_of(connection, user_id)?;
            record(connection, event)?;
            Ok(true)
        })
        .map_err(|error| {
            if is_unique_violation(&error, "ix_users_email", "users.email") {
                ChangeEmailError::EmailTaken
            } else {
                ChangeEmailError::Storage(error.into())
            }
        })
    }

    fn delete_expired(&self, now: Timestamp) -> Result<usize, StorageError> {
        let deleted = self.write(|connection| {
            let expired = mailed_secrets::table.filter(mailed_secrets::expires_at.le(Instant(now)));
            diesel::delete(expired).execute(connection)
        })?;
        Ok(deleted)
    }
}
