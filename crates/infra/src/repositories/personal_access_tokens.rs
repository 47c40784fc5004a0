//! The repository of personal access tokens.

use diesel::{
    BoolExpressionMethods, ExpressionMethods, Insertable, OptionalExtension, QueryDsl, QueryResult,
    Queryable, RunQueryDsl, Selectable, SelectableHelper,
};
use todo_domain::{
    AccessProof, PersonalAccessToken, SecretDigest, SecurityEvent, Timestamp, TokenId, TokenName,
    TokenScopes, TokenWithSettings, UserId,
    ports::{InsertTokenError, PersonalAccessTokens, ProofError, StorageError},
};

use super::{
    access::lock_and_check, deletion::Deletion, security_events::record, user_settings::settings,
};
use crate::database::{
    AnyConnection, Database, Id, Instant, cached,
    schema::{personal_access_tokens, users},
};

/// A token without its digest, which nothing reads.
#[derive(Queryable, Selectable)]
#[diesel(table_name = personal_access_tokens)]
struct TokenRow {
    id: Id,
    user_id: Id,
    name: String,
    scopes: String,
    created_at: Instant,
    expires_at: Instant,
    last_used_at: Option<Instant>,
}

impl From<TokenRow> for PersonalAccessToken {
    fn from(row: TokenRow) -> Self {
        Self {
            id: TokenId::from_uuid(row.id.0),
            user_id: UserId::from_uuid(row.user_id.0),
            name: TokenName::from_stored(row.name),
            scopes: TokenScopes::from_stored(&row.scopes),
            created_at: row.created_at.0,
            expires_at: row.expires_at.0,
            last_used_at: row.last_used_at.map(|instant| instant.0),
        }
    }
}

#[derive(Insertable)]
#[diesel(table_name = personal_access_tokens)]
#[diesel(treat_none_as_default_value = false)]
struct NewTokenRow<'a> {
    id: Id,
    user_id: Id,
    name: &'a str,
    digest: &'a [u8],
    scopes: String,
    created_at: Instant,
    expires_at: Instant,
    last_used_at: Option<Instant>,
}

impl<'a> NewTokenRow<'a> {
    fn new(token: &'a PersonalAccessToken, digest: &'a SecretDigest) -> Self {
        Self {
            id: Id(token.id.as_uuid()),
            user_id: Id(token.user_id.as_uuid()),
            name: token.name.as_str(),
            digest: digest.as_bytes(),
            scopes: token.scopes.to_string(),
            created_at: Instant(token.created_at),
            expires_at: Instant(token.expires_at),
            last_used_at: token.last_used_at.map(Instant),
        }
    }
}

fn count_live(
    connection: &mut AnyConnection,
    user_id: UserId,
    now: Timestamp,
) -> QueryResult<usize> {
    let count: i64 = personal_access_tokens::table
        .filter(personal_access_tokens::user_id.eq(Id(user_id.as_uuid())))
        .filter(personal_access_tokens::expires_at.gt(Instant(now)))
        .count()
        .get_result(connection)?;
    Ok(usize::try_from(count).unwrap_or(usize::MAX))
}

fn insert_row(
    connection: &mut AnyConnection,
    token: &PersonalAccessToken,
    digest: &SecretDigest,
) -> QueryResult<()> {
    cached(
        diesel::insert_into(personal_access_tokens::table)
            .values(NewTokenRow::new(token, digest))
            .returning(personal_access_tokens::id),
    )
    .get_result::<Id>(connection)
    .map(drop)
}

impl PersonalAccessTokens for Database {
    fn insert(
        &self,
        token: &PersonalAccessToken,
        digest: &SecretDigest,
        proof: &AccessProof,
        event: &SecurityEvent,
    ) -> Result<(), InsertTokenError> {
        self.transaction(|connection| {
            if let Err(failed) = lock_and_check(connection, proof)? {
                return Ok(Err(failed.into()));
            }
            let live = count_live(connection, token.user_id, token.created_at)?;
            if live >= PersonalAccessToken::MAX_LIVE {
                return Ok(Err(InsertTokenError::TooMany));
            }
            insert_row(connection, token, digest)?;
            record(connection, event)?;
            Ok(Ok(()))
        })
        .map_err(|error| ProofError::Storage(error.into()))?
    }

    fn find(&self, digest: &SecretDigest) -> Result<Option<TokenWithSettings>, StorageError> {
        let row = self.read(|connection| {
            personal_access_tokens::table
                .inner_join(users::table)
                .filter(personal_access_tokens::digest.eq(digest.as_bytes().as_slice()))
                .filter(users::disabled_at.is_null())
                .select((TokenRow::as_select(), users::time_zone))
                .first::<(TokenRow, Option<String>)>(connection)
                .optional()
        })?;
        Ok(row.map(|(row, time_zone)| TokenWithSettings {
            token: row.into(),
            settings: settings(time_zone.as_deref()),
        }))
    }

    fn list(&self, user_id: UserId) -> Result<Vec<PersonalAccessToken>, StorageError> {
        let rows = self.read(|connection| {
            personal_access_tokens::table
                .filter(personal_access_tokens::user_id.eq(Id(user_id.as_uuid())))
                .order((
                    personal_access_tokens::created_at.desc(),
                    personal_access_tokens::id.desc(),
                ))
                .select(TokenRow::as_select())
                .load(connection)
        })?;
        Ok(rows.into_iter().map(PersonalAccessToken::from).collect())
    }

    fn record_use(&self, id: TokenId, now: Timestamp) -> Result<(), StorageError> {
        self.write(|connection| {
            let used_before = personal_access_tokens::last_used_at.lt(Instant(now));
            let token = personal_access_tokens::table
                .find(Id(id.as_uuid()))
                .filter(used_before.or(personal_access_tokens::last_used_at.is_null()));
            cached(
                diesel::update(token)
                    .set(personal_access_tokens::last_used_at.eq(Instant(now)))
                    .returning(personal_access_tokens::id),
            )
            .get_results::<Id>(connection)
        })?;
        Ok(())
    }

    fn delete(
        &self,
        user_id: UserId,
        id: TokenId,
        event: &SecurityEvent,
    ) -> Result<bool, StorageError> {
        let deleted = self.transaction(|connection| {
            let of_user = personal_access_tokens::table
                .find(Id(id.as_uuid()))
                .filter(personal_access_tokens::user_id.eq(Id(user_id.as_uuid())));
            let deleted = diesel::delete(of_user).execute(connection)?;
            if deleted > 0 {
                record(connection, event)?;
            }
            Ok(deleted > 0)
        })?;
        Ok(deleted)
    }

    fn delete_expired(&self, now: Timestamp) -> Result<usize, StorageError> {
        Deletion {
            table: "personal_access_tokens",
            key: "id",
            condition: "expires_at <= $1",
            instants: &[Instant(now)],
        }
        .run(self)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use todo_domain::{
        Client, DisplayName, Email, NewPersonalAccessToken, PasswordHash, Scope, SecretKind,
        SecurityEventKind::{Registered, TokenCreated},
        Session, SessionPolicy, SessionStart, TokenLifetime, User,
        ports::{Clock, IdGenerator, Secrets, UserRepository},
    };
    use todo_testkit::{
        Kind::{self, Postgres, Sqlite},
        TestDatabase,
    };

    use super::{super::revocation::delete_all_tokens, *};
    use crate::{DatabaseUrl, PoolSettings, RandomIds, RandomSecrets, SystemClock};

    fn event(user_id: UserId, kind: todo_domain::SecurityEventKind) -> SecurityEvent {
        SecurityEvent {
            id: RandomIds.event(),
            user_id: Some(user_id),
            kind,
            subject: None,
            client: Client::default(),
            created_at: SystemClock.now(),
        }
    }

    /// A user with two tokens.
    fn user(database: &Database, email: &str) -> UserId {
        let (now, ids) = (SystemClock.now(), RandomIds);
        let email = Email::new(email).unwrap();
        let user = User::new(ids.user(), email, DisplayName::new("Ada").unwrap(), now);
        let policy = SessionPolicy::default();
        let start = SessionStart {
            session: Session::begin(ids.session(), user.id, Client::default(), now, &policy),
            event: event(user.id, Registered),
            replaces: None,
            eviction: event(user.id, Registered),
        };
        let hash = PasswordHash::new("a hash".to_owned());
        UserRepository::insert(database, &user, &hash, &start).unwrap();
        for _ in 0..2 {
            let new = NewPersonalAccessToken {
                name: TokenName::new("backup").unwrap(),
                scopes: TokenScopes::new(Scope::ALL).unwrap(),
                lifetime: TokenLifetime::from_days(1).unwrap(),
            };
            let token = PersonalAccessToken::new(ids.token(), user.id, new, now);
            let secret = RandomSecrets.generate(SecretKind::PersonalAccessToken);
            let digest = RandomSecrets.digest(&secret.unwrap());
            let created = event(user.id, TokenCreated);
            let proof = AccessProof::new(user.id);
            PersonalAccessTokens::insert(database, &token, &digest, &proof, &created).unwrap();
        }
        user.id
    }

    #[rstest]
    fn all_tokens_of_a_user_are_deleted_at_once(#[values(Sqlite, Postgres)] kind: Kind) {
        let Some(behind) = TestDatabase::new(kind) else {
            return;
        };
        let url: DatabaseUrl = behind.url().parse().unwrap();
        let settings = PoolSettings::for_kind(url.kind());
        let database = Database::new(url, &settings);
        database.migrate().unwrap();
        let ada = user(&database, "ada@example.com");
        let grace = user(&database, "grace@example.com");
        let deleted = database.transaction(|connection| delete_all_tokens(connection, ada));
        assert_eq!(deleted.unwrap(), 2);
        let left = |user| PersonalAccessTokens::list(&database, user).unwrap().len();
        assert_eq!([left(ada), left(grace)], [0, 2]);
    }
}
