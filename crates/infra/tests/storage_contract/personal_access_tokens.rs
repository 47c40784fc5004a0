//! What is promised of personal access tokens.

use rstest::rstest;
use todo_domain::{
    AccessProof, Change, NewPersonalAccessToken, PersonalAccessToken, Scope, SecretDigest,
    SecretKind,
    SecurityEventKind::{Registered, TokenCreated, TokenRevoked},
    TimeZone, TokenLifetime, TokenName, TokenScopes, UserChange, UserId, UserSettings,
    ports::{IdGenerator, InsertTokenError, PersonalAccessTokens, ProofError, Secrets},
};
use todo_infra::{RandomIds, RandomSecrets};
use todo_testkit::Kind::{self, Postgres, Sqlite};

use crate::{
    concurrency::at_once,
    storage::{Storage, at, connect, event_of},
};

/// The digest of a secret that nobody else has.
fn digest() -> SecretDigest {
    let secret = RandomSecrets.generate(SecretKind::PersonalAccessToken);
    RandomSecrets.digest(&secret.unwrap())
}

/// A token that is made at the first instant, for a day.
fn token_of(user: UserId) -> PersonalAccessToken {
    let new = NewPersonalAccessToken {
        name: TokenName::new("backup").unwrap(),
        scopes: TokenScopes::new([Scope::ReadTodos]).unwrap(),
        lifetime: TokenLifetime::from_days(1).unwrap(),
    };
    PersonalAccessToken::new(RandomIds.token(), user, new, at(0))
}

impl Storage {
    fn tokens(&self) -> &dyn PersonalAccessTokens {
        &self.database
    }

    /// Inserts a token and gives the digest by which it is found.
    fn keep(&self, token: &PersonalAccessToken) -> SecretDigest {
        let (digest, event) = (digest(), event_of(token.user_id, TokenCreated));
        let proof = AccessProof::new(token.user_id);
        self.tokens()
            .insert(token, &digest, &proof, &event)
            .unwrap();
        digest
    }

    fn token(&self, digest: &SecretDigest) -> Option<PersonalAccessToken> {
        let found = self.tokens().find(digest).unwrap();
        found.map(|found| found.token)
    }
}

#[rstest]
fn an_inserted_token_is_found_by_its_digest_as_it_was(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(storage) = Storage::new(kind) else {
        return;
    };
    let user = storage.user("ada@example.com").id;
    let token = PersonalAccessToken {
        scopes: TokenScopes::new(Scope::ALL).unwrap(),
        last_used_at: Some(at(7)),
        ..token_of(user)
    };
    let kept = storage.keep(&token);
    let other = storage.keep(&token_of(user));
    assert_eq!(storage.token(&kept), Some(token));
    assert_eq!(storage.token(&other).unwrap().last_used_at, None);
    assert_eq!(storage.token(&digest()), None);
    let events = [TokenCreated, TokenCreated, Registered];
    assert_eq!(storage.events(user), events);
}

#[rstest]
fn a_token_of_nobody_is_refused(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(storage) = Storage::new(kind) else {
        return;
    };
    let token = token_of(RandomIds.user());
    let event = event_of(token.user_id, TokenCreated);
    let proof = AccessProof::new(token.user_id);
    let inserted = storage.tokens().insert(&token, &digest(), &proof, &event);
    assert!(matches!(
        inserted,
        Err(InsertTokenError::Proof(ProofError::UserMissing))
    ));
}

#[rstest]
fn a_user_has_so_many_that_count_and_no_more(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(storage) = Storage::new(kind) else {
        return;
    };
    let user = storage.user("ada@example.com").id;
    let other = storage.user("grace@example.com").id;
    let expired = PersonalAccessToken {
        expires_at: at(0),
        ..token_of(user)
    };
    storage.keep(&expired);
    storage.keep(&token_of(other));
    let tokens: Vec<_> = (0..PersonalAccessToken::MAX_LIVE)
        .map(|_| token_of(user))
        .collect();
    for token in &tokens {
        storage.keep(token);
    }
    let events = storage.events(user);
    let event = event_of(user, TokenCreated);
    let proof = AccessProof::new(user);
    let insert = || {
        let token = token_of(user);
        storage.tokens().insert(&token, &digest(), &proof, &event)
    };
    assert!(matches!(insert(), Err(InsertTokenError::TooMany)));
    assert_eq!(storage.events(user), events);
    let revoked = event_of(user, TokenRevoked);
    let deleted = storage.tokens().delete(user, tokens[0].id, &revoked);
    assert!(deleted.unwrap());
    assert!(insert().is_ok());
}

#[rstest]
fn not_even_at_the_same_time_does_a_user_get_more(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(storage) = Storage::new(kind) else {
        return;
    };
    let user = storage.user("ada@example.com").id;
    for _ in 0..PersonalAccessToken::MAX_LIVE - 3 {
        storage.keep(&token_of(user));
    }
    let results = at_once(&storage, |instance| {
        let event = event_of(user, TokenCreated);
        let proof = AccessProof::new(user);
        PersonalAccessTokens::insert(instance, &token_of(user), &digest(), &proof, &event)
    });
    let (inserted, refused): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    assert_eq!(inserted.len(), 3);
    for result in refused {
        assert!(
            matches!(result, Err(InsertTokenError::TooMany)),
            "{result:?}"
        );
    }
}

#[rstest]
fn a_deleted_token_is_gone_on_every_instance_and_a_second_time_there_is_none(
    #[values(Sqlite, Postgres)] kind: Kind,
) {
    let Some(storage) = Storage::new(kind) else {
        return;
    };
    let user = storage.user("ada@example.com").id;
    let (revoked, other) = (token_of(user), token_of(user));
    let (of_revoked, of_other) = (storage.keep(&revoked), storage.keep(&other));
    let instance = connect(&storage.behind);
    let found = || PersonalAccessTokens::find(&instance, &of_revoked).unwrap();
    assert!(found().is_some());
    let delete = || {
        let event = event_of(user, TokenRevoked);
        storage.tokens().delete(user, revoked.id, &event).unwrap()
    };
    assert!(delete());
    assert!(!delete());
    assert_eq!(found(), None);
    assert_eq!(storage.token(&of_other), Some(other));
    assert_eq!(
        storage.events(user),
        [TokenRevoked, TokenCreated, TokenCreated, Registered]
    );
}

#[rstest]
fn another_users_token_is_as_good_as_none(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(storage) = Storage::new(kind) else {
        return;
    };
    let ada = storage.user("ada@example.com").id;
    let grace = storage.user("grace@example.com").id;
    let token = token_of(ada);
    let kept = storage.keep(&token);
    let event = event_of(grace, TokenRevoked);
    let deleted = storage.tokens().delete(grace, token.id, &event);
    assert!(!deleted.unwrap());
    assert_eq!(storage.token(&kept), Some(token));
    assert_eq!(storage.tokens().list(grace).unwrap(), []);
    assert_eq!(storage.events(grace), [Registered]);
}

#[rstest]
fn tokens_are_listed_from_the_last_to_the_first(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(storage) = Storage::new(kind) else {
        return;
    };
    let user = storage.user("ada@example.com").id;
    let made = |microseconds| PersonalAccessToken {
        created_at: at(microseconds),
        ..token_of(user)
    };
    let tokens = [made(3), made(1), made(2)];
    for token in &tokens {
        storage.keep(token);
    }
    let [third, first, second] = tokens;
    assert_eq!(storage.tokens().list(user).unwrap(), [third, second, first]);
}

#[rstest]
fn tokens_go_with_their_user(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(storage) = Storage::new(kind) else {
        return;
    };
    let kept = storage.keep(&token_of(storage.user("ada@example.com").id));
    storage.delete_user("ada@example.com");
    assert_eq!(storage.token(&kept), None);
}

#[rstest]
fn tokens_that_have_expired_are_deleted_and_nothing_else(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(storage) = Storage::new(kind) else {
        return;
    };
    let user = storage.user("ada@example.com").id;
    let expiring = |microseconds| PersonalAccessToken {
        expires_at: at(microseconds),
        ..token_of(user)
    };
    let tokens = [expiring(149), expiring(150), expiring(151)];
    let kept = tokens.each_ref().map(|token| storage.keep(token));
    let now = at(150);
    assert_eq!(storage.tokens().delete_expired(now).unwrap(), 2);
    for (token, kept) in tokens.into_iter().zip(kept) {
        let live = token.is_live(now).then_some(token);
        assert_eq!(storage.token(&kept), live);
    }
}

#[rstest]
fn a_token_is_found_with_what_its_user_has_chosen(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(storage) = Storage::new(kind) else {
        return;
    };
    let user = storage.user("ada@example.com").id;
    let kept = storage.keep(&token_of(user));
    let settings = || storage.tokens().find(&kept).unwrap().unwrap().settings;
    assert_eq!(settings(), UserSettings::default());
    let zone: TimeZone = "Europe/Berlin".parse().unwrap();
    let change = UserChange {
        time_zone: Change::To(Some(zone.clone())),
        ..UserChange::default()
    };
    storage.users().update(user, &change, at(1)).unwrap();
    assert_eq!(settings().time_zone, Some(zone));
}

#[rstest]
fn the_latest_use_of_a_token_is_what_is_recorded(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(storage) = Storage::new(kind) else {
        return;
    };
    let token = token_of(storage.user("ada@example.com").id);
    let kept = storage.keep(&token);
    for (used, recorded) in [(4, 4), (6, 6), (5, 6)] {
        storage.tokens().record_use(token.id, at(used)).unwrap();
        let found = storage.token(&kept).unwrap();
        assert_eq!(found.last_used_at, Some(at(recorded)));
    }
    let nobodys = RandomIds.token();
    assert!(storage.tokens().record_use(nobodys, at(7)).is_ok());
}

#[rstest]
fn making_a_token_changes_nothing_of_its_user(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(storage) = Storage::new(kind) else {
        return;
    };
    let user = storage.user("ada@example.com");
    storage.keep(&token_of(user.id));
    assert_eq!(storage.users().find(user.id).unwrap(), Some(user));
}
