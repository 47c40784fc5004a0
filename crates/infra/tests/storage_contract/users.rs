//! Users that are deleted by SQL, as an operator or another backend may.

use rstest::rstest;
use todo_domain::{
    AccessProof, EmailToken, NewPersonalAccessToken, PersonalAccessToken, Scope,
    SecurityEventKind::TokenCreated,
    TokenLifetime, TokenName, TokenPurpose, TokenScopes,
    ports::{EmailTokens, PersonalAccessTokens},
};
use todo_testkit::Kind::{self, Postgres, Sqlite};

use crate::storage::{Storage, at, digest, event_of, token_id};

#[rstest]
fn deleting_a_user_by_sql_deletes_all_data_of_the_user(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(storage) = Storage::new(kind) else {
        return;
    };
    let user = storage.user("ada@example.com");
    storage.todo(user.id, "Buy milk", 0);
    let proof = AccessProof::new(user.id);
    let purpose = TokenPurpose::PasswordReset;
    let secret = EmailToken::new(digest(), user.id, purpose, user.email.clone(), at(0));
    let inserted = EmailTokens::insert(&storage.database, &secret, &proof, None);
    assert!(inserted.unwrap());
    let new = NewPersonalAccessToken {
        name: TokenName::new("backup").unwrap(),
        scopes: TokenScopes::new([Scope::ReadTodos]).unwrap(),
        lifetime: TokenLifetime::from_days(1).unwrap(),
    };
    let token = PersonalAccessToken::new(token_id(), user.id, new, at(0));
    let event = event_of(user.id, TokenCreated);
    PersonalAccessTokens::insert(&storage.database, &token, &digest(), &proof, &event).unwrap();
    let tables = [
        "tasks",
        "sessions",
        "mailed_secrets",
        "personal_access_tokens",
        "security_events",
        "user_usage",
    ];
    let counts = || {
        tables.map(|table| {
            let sql = format!("SELECT CAST(count(*) AS TEXT) AS value FROM {table}");
            storage.behind.values(&sql).remove(0).unwrap()
        })
    };
    assert!(counts().iter().all(|count| count != "0"), "{:?}", counts());
    storage.delete_user_by_sql("ada@example.com");
    assert_eq!(counts(), ["0"; 6]);
}

#[rstest]
fn an_unset_hash_and_name_are_none(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(storage) = Storage::new(kind) else {
        return;
    };
    let user = storage.user("ada@example.com");
    storage
        .behind
        .execute("UPDATE users SET hashed_password = NULL, name = NULL");
    let found = storage.users().find_credentials(&user.email).unwrap();
    let found = found.unwrap();
    assert_eq!(found.password_hash, None);
    assert_eq!(found.user.name, None);
}
