//! Clauses of [`todo_domain::ports::PersonalAccessTokens`].

use todo_domain::{
    AccessProof, Change, NewPersonalAccessToken, PersonalAccessToken, Scope, SecretDigest,
    SecurityEventKind::{Registered, TokenCreated, TokenRevoked},
    TimeZone, TokenLifetime, TokenName, TokenScopes, UserChange, UserId, UserSettings,
    ports::{InsertTokenError, PersonalAccessTokens, ProofError},
};

use super::concurrency::at_once;
use crate::fixture::{TestStorage, at, digest, event_of, token_id, user_id};

/// A token that is made at the first instant, for a day.
fn token_of(user: UserId) -> PersonalAccessToken {
    let new = NewPersonalAccessToken {
        name: TokenName::new("backup").unwrap(),
        scopes: TokenScopes::new([Scope::ReadTodos]).unwrap(),
        lifetime: TokenLifetime::from_days(1).unwrap(),
    };
    PersonalAccessToken::new(token_id(), user, new, at(0))
}

impl TestStorage<'_> {
    fn tokens(&self) -> &dyn PersonalAccessTokens {
        self.personal_access_tokens()
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

pub fn an_inserted_token_is_found_by_its_digest(storage: &TestStorage) {
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

pub fn a_token_without_a_user_is_refused(storage: &TestStorage) {
    let token = token_of(user_id());
    let event = event_of(token.user_id, TokenCreated);
    let proof = AccessProof::new(token.user_id);
    let inserted = storage.tokens().insert(&token, &digest(), &proof, &event);
    assert!(matches!(
        inserted,
        Err(InsertTokenError::Proof(ProofError::UserMissing))
    ));
}

pub fn the_number_of_valid_tokens_is_limited(storage: &TestStorage) {
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

pub fn concurrent_insertions_cannot_exceed_the_limit_of_tokens(storage: &TestStorage) {
    let user = storage.user("ada@example.com").id;
    for _ in 0..PersonalAccessToken::MAX_LIVE - 3 {
        storage.keep(&token_of(user));
    }
    let results = at_once(storage, |instance| {
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

pub fn a_deleted_token_is_invalid_on_every_instance(storage: &TestStorage) {
    let user = storage.user("ada@example.com").id;
    let (revoked, other) = (token_of(user), token_of(user));
    let (of_revoked, of_other) = (storage.keep(&revoked), storage.keep(&other));
    let instance = storage.connect();
    let found = || instance.personal_access_tokens().find(&of_revoked).unwrap();
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

pub fn a_token_of_another_user_is_not_found(storage: &TestStorage) {
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

pub fn tokens_are_listed_newest_first(storage: &TestStorage) {
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

pub fn deleting_a_user_deletes_tokens(storage: &TestStorage) {
    let kept = storage.keep(&token_of(storage.user("ada@example.com").id));
    storage.delete_user("ada@example.com");
    assert_eq!(storage.token(&kept), None);
}

pub fn expired_tokens_are_deleted(storage: &TestStorage) {
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

pub fn a_token_is_found_with_the_settings_of_its_user(storage: &TestStorage) {
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

pub fn the_latest_use_of_a_token_is_recorded(storage: &TestStorage) {
    let token = token_of(storage.user("ada@example.com").id);
    let kept = storage.keep(&token);
    for (used, recorded) in [(4, 4), (6, 6), (5, 6)] {
        storage.tokens().record_use(token.id, at(used)).unwrap();
        let found = storage.token(&kept).unwrap();
        assert_eq!(found.last_used_at, Some(at(recorded)));
    }
    let nobodys = token_id();
    assert!(storage.tokens().record_use(nobodys, at(7)).is_ok());
}

pub fn inserting_a_token_does_not_change_its_user(storage: &TestStorage) {
    let user = storage.user("ada@example.com");
    storage.keep(&token_of(user.id));
    assert_eq!(storage.users().find(user.id).unwrap(), Some(user));
}
