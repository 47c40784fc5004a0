//! Mailed secrets of an account whose address another program changed.

use rstest::rstest;
use todo_domain::{
    AccessProof, EmailToken,
    SecurityEventKind::{EmailVerified, PasswordReset},
    TokenPurpose,
    ports::EmailTokens,
};
use todo_testkit::Kind::{self, Postgres, Sqlite};

use crate::storage::{Storage, at, digest, event_of, hash};

#[rstest]
fn a_secret_for_a_former_address_changes_nothing(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(storage) = Storage::new(kind) else {
        return;
    };
    let user = storage.user("ada@example.com");
    let secrets: &dyn EmailTokens = &storage.database;
    let insert = |purpose| {
        let secret = EmailToken::new(digest(), user.id, purpose, user.email.clone(), at(0));
        let inserted = secrets.insert(&secret, &AccessProof::new(user.id), None);
        assert!(inserted.unwrap());
        secret
    };
    let reset = insert(TokenPurpose::PasswordReset);
    let verification = insert(TokenPurpose::EmailVerification);
    storage
        .behind
        .execute("UPDATE users SET email = 'countess@example.com'");
    let before = storage.users().find(user.id).unwrap();
    let event = event_of(user.id, PasswordReset);
    let is_reset = secrets.reset_password(&reset, &hash(), at(1), &event);
    assert!(!is_reset.unwrap());
    let event = event_of(user.id, EmailVerified);
    let is_verified = secrets.verify_email(&verification, at(1), &event);
    assert!(!is_verified.unwrap());
    assert_eq!(storage.users().find(user.id).unwrap(), before);
    assert_eq!(storage.sessions().list(user.id).unwrap().len(), 1);
}
