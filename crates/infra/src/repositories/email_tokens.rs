//! The repository of mailed secrets.

use diesel::{
    BoolExpressionMethods, ExpressionMethods, Insertable, OptionalExtension, QueryDsl, QueryResult,
    Queryable, RunQueryDsl, Selectable, SelectableHelper,
};
use todo_domain::{
    AccessProof, Email, EmailToken, PasswordHash, Revocation, SecretDigest, SecurityEvent,
    Timestamp, TokenPurpose, UserId,
    ports::{BoxError, ChangeEmailError, EmailTokens, ProofError, StorageError},
};

use super::{
    access::{lock_and_check, lock_user},
    deletion::Deletion,
    revocation::{delete_all_secrets, revoke},
    security_events::record,
};
use crate::database::{
    AnyConnection, Database, Id, Instant, cached, is_unique_violation,
    schema::{mailed_secrets, users},
};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = mailed_secrets)]
struct EmailTokenRow {
    digest: Vec<u8>,
    user_id: Id,
    purpose: String,
    email: String,
    created_at: Instant,
    expires_at: Instant,
}

impl From<&EmailToken> for EmailTokenRow {
    fn from(secret: &EmailToken) -> Self {
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

impl TryFrom<EmailTokenRow> for EmailToken {
    type Error = BoxError;

    fn try_from(row: EmailTokenRow) -> Result<Self, Self::Error> {
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

/// Consumes a valid secret; `false` if there is none, or its user is deleted or disabled.
fn redeem(
    connection: &mut AnyConnection,
    secret: &EmailToken,
    now: Timestamp,
) -> QueryResult<bool> {
    match lock_user(connection, secret.user_id)? {
        Some(user) if !user.is_disabled() => {}
        _ => return Ok(false),
    }
    let live = mailed_secrets::table
        .find(secret.digest.as_bytes().as_slice())
        .filter(mailed_secrets::user_id.eq(Id(secret.user_id.as_uuid())))
        .filter(mailed_secrets::purpose.eq(secret.purpose.as_str()))
        .filter(mailed_secrets::expires_at.gt(Instant(now)));
    Ok(diesel::delete(live).execute(connection)? == 1)
}

/// Deletes a pending change of the address and its cancellation; `false` if none is pending.
fn delete_email_change(connection: &mut AnyConnection, user_id: UserId) -> QueryResult<bool> {
    let of_purpose = |purpose: TokenPurpose| {
        mailed_secrets::table
            .filter(mailed_secrets::user_id.eq(Id(user_id.as_uuid())))
            .filter(mailed_secrets::purpose.eq(purpose.as_str()))
    };
    diesel::delete(of_purpose(TokenPurpose::EmailChangeCancellation)).execute(connection)?;
    let deleted = diesel::delete(of_purpose(TokenPurpose::EmailChange)).execute(connection)?;
    Ok(deleted > 0)
}

impl EmailTokens for Database {
    fn insert(
        &self,
        secret: &EmailToken,
        proof: &AccessProof,
        event: Option<&SecurityEvent>,
    ) -> Result<bool, ProofError> {
        let row = EmailTokenRow::from(secret);
        self.transaction(|connection| {
            if let Err(failed) = lock_and_check(connection, proof)? {
                return Ok(Err(failed));
            }
            let of_purpose = mailed_secrets::user_id
                .eq(row.user_id)
                .and(mailed_secrets::purpose.eq(secret.purpose.as_str()));
            let max_live = secret.purpose.max_live();
            let earlier: Vec<(Instant, Instant)> = mailed_secrets::table
                .filter(of_purpose)
                .select((mailed_secrets::created_at, mailed_secrets::expires_at))
                .load(connection)?;
            let is_recent = |(made, _): &(Instant, Instant)| made.0 > secret.none_made_after();
            let is_live = |(_, expires): &&(Instant, Instant)| expires.0 > secret.created_at;
            let live = earlier.iter().filter(is_live).count();
            if earlier.iter().any(is_recent) || (max_live > 1 && live >= max_live) {
                return Ok(Ok(false));
            }
            let replaced = mailed_secrets::table.filter(of_purpose);
            if max_live > 1 {
                let expired = mailed_secrets::expires_at.le(row.created_at);
                diesel::delete(replaced.filter(expired)).execute(connection)?;
            } else {
                diesel::delete(replaced).execute(connection)?;
            }
            let insert = diesel::insert_into(mailed_secrets::table)
                .values(&row)
                .returning(mailed_secrets::user_id);
            cached(insert).get_result::<Id>(connection)?;
            if let Some(event) = event {
                record(connection, event)?;
            }
            Ok(Ok(true))
        })
        .map_err(StorageError::from)?
    }

    fn find(&self, digest: &SecretDigest) -> Result<Option<EmailToken>, StorageError> {
        let row = self.read(|connection| {
            mailed_secrets::table
                .find(digest.as_bytes().as_slice())
                .select(EmailTokenRow::as_select())
                .first(connection)
                .optional()
        })?;
        row.map(|row| EmailToken::try_from(row).map_err(StorageError::Internal))
            .transpose()
    }

    fn reset_password(
        &self,
        secret: &EmailToken,
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
            let updated = cached(update).get_result::<Id>(connection);
            if updated.optional()?.is_none() {
                return Ok(false);
            }
            let everything = Revocation {
                except: None,
                tokens: true,
            };
            revoke(connection, secret.user_id, everything)?;
            record(connection, event)?;
            Ok(true)
        })?;
        Ok(reset)
    }

    fn verify_email(
        &self,
        secret: &EmailToken,
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
            let updated = cached(update).get_result::<Id>(connection);
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
        secret: &EmailToken,
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
            cached(update).get_result::<Id>(connection)?;
            delete_all_secrets(connection, secret.user_id)?;
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

    fn find_email_change(
        &self,
        user_id: UserId,
        now: Timestamp,
    ) -> Result<Option<EmailToken>, StorageError> {
        let row = self.read(|connection| {
            mailed_secrets::table
                .filter(mailed_secrets::user_id.eq(Id(user_id.as_uuid())))
                .filter(mailed_secrets::purpose.eq(TokenPurpose::EmailChange.as_str()))
                .filter(mailed_secrets::expires_at.gt(Instant(now)))
                .select(EmailTokenRow::as_select())
                .first(connection)
                .optional()
        })?;
        row.map(|row| EmailToken::try_from(row).map_err(StorageError::Internal))
            .transpose()
    }

    fn cancel_email_change(
        &self,
        secret: &EmailToken,
        now: Timestamp,
        event: &SecurityEvent,
    ) -> Result<bool, StorageError> {
        let cancelled = self.transaction(|connection| {
            if !redeem(connection, secret, now)?
                || !delete_email_change(connection, secret.user_id)?
            {
                return Ok(false);
            }
            record(connection, event)?;
            Ok(true)
        })?;
        Ok(cancelled)
    }

    fn withdraw_email_change(
        &self,
        proof: &AccessProof,
        event: &SecurityEvent,
    ) -> Result<bool, ProofError> {
        self.transaction(|connection| {
            if let Err(failed) = lock_and_check(connection, proof)? {
                return Ok(Err(failed));
            }
            let cancelled = delete_email_change(connection, proof.user_id())?;
            if cancelled {
                record(connection, event)?;
            }
            Ok(Ok(cancelled))
        })
        .map_err(StorageError::from)?
    }

    fn delete_expired(&self, now: Timestamp) -> Result<usize, StorageError> {
        Deletion {
            table: "mailed_secrets",
            key: "digest",
            condition: "expires_at <= $1",
            instants: &[Instant(now)],
        }
        .run(self)
    }
}
