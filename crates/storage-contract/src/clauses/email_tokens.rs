//! Clauses of [`todo_domain::ports::EmailTokens`].

use std::thread;

use todo_domain::{
    AccessProof, Email, EmailToken, NewPersonalAccessToken, PasswordHash, PersonalAccessToken,
    Scope, SecurityEvent,
    SecurityEventKind::{
        EmailChangeCancelled, EmailChangeRequested, EmailChanged, EmailVerified, PasswordReset,
        PasswordResetRequested, Registered, TokenCreated,
    },
    Timestamp, TokenLifetime, TokenName, TokenPurpose, TokenScopes, User, UserId,
    ports::{ChangeEmailError, EmailTokens, ProofError},
};

use crate::fixture::{TestStorage, at, digest, event_of, hash, token_id, user_id};

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;

fn secret(user: UserId, purpose: TokenPurpose, email: &str, now: Timestamp) -> EmailToken {
    let email = Email::new(email).unwrap();
    EmailToken::new(digest(), user, purpose, email, now)
}

fn new_hash() -> PasswordHash {
    PasswordHash::new("$argon2id$another-hash".to_owned())
}

impl TestStorage<'_> {
    fn mailed(&self) -> &dyn EmailTokens {
        self.mailed_secrets()
    }

    /// A secret that is kept.
    fn keep_mailed(&self, user: &User, purpose: TokenPurpose, now: Timestamp) -> EmailToken {
        let kept = secret(user.id, purpose, user.email.as_str(), now);
        assert!(self.insert_mailed(&kept, None).unwrap());
        kept
    }

    fn insert_mailed(
        &self,
        secret: &EmailToken,
        event: Option<&SecurityEvent>,
    ) -> Result<bool, ProofError> {
        let proof = AccessProof::new(secret.user_id);
        self.mailed().insert(secret, &proof, event)
    }

    fn user_now(&self, id: UserId) -> User {
        self.users().find(id).unwrap().unwrap()
    }

    fn reset(&self, secret: &EmailToken, now: Timestamp) -> bool {
        let event = event_of(secret.user_id, PasswordReset);
        let reset = self
            .mailed()
            .reset_password(secret, &new_hash(), now, &event);
        reset.unwrap()
    }

    fn verify(&self, secret: &EmailToken, now: Timestamp) -> bool {
        let event = event_of(secret.user_id, EmailVerified);
        self.mailed().verify_email(secret, now, &event).unwrap()
    }

    fn change(&self, secret: &EmailToken, now: Timestamp) -> Result<bool, ChangeEmailError> {
        let event = event_of(secret.user_id, EmailChanged);
        self.mailed().change_email(secret, now, &event)
    }
}

/// Uses a secret on 20 instances at once, and tells how often that succeeded.
fn used_at_once(storage: &TestStorage, work: impl Fn(&dyn EmailTokens) -> bool + Sync) -> usize {
    const USES: usize = 20;
    let instances: Vec<_> = (0..4).map(|_| storage.connect()).collect();
    thread::scope(|scope| {
        let running: Vec<_> = instances
            .iter()
            .cycle()
            .take(USES)
            .map(|instance| scope.spawn(|| work(instance.mailed_secrets())))
            .collect();
        let used = running.into_iter().map(|thread| thread.join().unwrap());
        used.filter(|used| *used).count()
    })
}

pub fn an_inserted_secret_is_found(storage: &TestStorage) {
    let user = storage.user("ada@example.com");
    for purpose in TokenPurpose::ALL {
        let kept = secret(user.id, purpose, "countess@example.com", at(0));
        let event = event_of(user.id, PasswordResetRequested);
        assert!(storage.insert_mailed(&kept, Some(&event)).unwrap());
        assert_eq!(storage.mailed().find(&kept.digest).unwrap(), Some(kept));
    }
    assert_eq!(storage.mailed().find(&digest()).unwrap(), None);
    let expected = [
        PasswordResetRequested,
        PasswordResetRequested,
        PasswordResetRequested,
        PasswordResetRequested,
        Registered,
    ];
    assert_eq!(storage.events(user.id), expected);
}

pub fn a_secret_replaces_the_previous_one_of_its_purpose(storage: &TestStorage) {
    let (ada, grace) = (
        storage.user("ada@example.com"),
        storage.user("grace@example.com"),
    );
    let others = [
        storage.keep_mailed(&grace, TokenPurpose::PasswordReset, at(0)),
        storage.keep_mailed(&ada, TokenPurpose::EmailVerification, at(0)),
    ];
    let first = storage.keep_mailed(&ada, TokenPurpose::EmailChange, at(0));
    let second = storage.keep_mailed(&ada, TokenPurpose::EmailChange, at(MINUTE));
    assert_eq!(storage.mailed().find(&first.digest).unwrap(), None);
    for kept in others.into_iter().chain([second]) {
        assert_eq!(storage.mailed().find(&kept.digest).unwrap(), Some(kept));
    }
}

pub fn a_repeated_reset_request_keeps_the_earlier_secret(storage: &TestStorage) {
    let purpose = TokenPurpose::PasswordReset;
    let (ada, grace) = (
        storage.user("ada@example.com"),
        storage.user("grace@example.com"),
    );
    let first = storage.keep_mailed(&ada, purpose, at(0));
    for minute in 1..3 {
        storage.keep_mailed(&ada, purpose, at(minute * MINUTE));
    }
    // No more are made until the first expires; those of others are none of these.
    for minute in [3, 10, 29] {
        let further = secret(ada.id, purpose, "ada@example.com", at(minute * MINUTE));
        assert!(!storage.insert_mailed(&further, None).unwrap());
        assert_eq!(storage.mailed().find(&further.digest).unwrap(), None);
    }
    storage.keep_mailed(&grace, purpose, at(3 * MINUTE));
    let found = storage.mailed().find(&first.digest).unwrap();
    assert_eq!(found.as_ref(), Some(&first));
    let last = storage.keep_mailed(&ada, purpose, at(30 * MINUTE));
    assert_eq!(storage.mailed().find(&first.digest).unwrap(), None);
    assert!(storage.reset(&last, at(31 * MINUTE)));
    // One that was used ends all others.
    storage.keep_mailed(&ada, purpose, at(32 * MINUTE));
}

pub fn secrets_of_a_purpose_are_rate_limited(storage: &TestStorage) {
    let user = storage.user("ada@example.com");
    let first = storage.keep_mailed(&user, TokenPurpose::EmailChange, at(0));
    let second = secret(
        user.id,
        TokenPurpose::EmailChange,
        "b@example.com",
        at(MINUTE - 1),
    );
    let event = event_of(user.id, EmailChangeRequested);
    assert!(!storage.insert_mailed(&second, Some(&event)).unwrap());
    assert_eq!(storage.mailed().find(&first.digest).unwrap(), Some(first));
    assert_eq!(storage.mailed().find(&second.digest).unwrap(), None);
    assert_eq!(storage.events(user.id), [Registered]);
}

pub fn concurrent_insertions_store_one_secret(storage: &TestStorage) {
    let user = storage.user("ada@example.com");
    let kept = used_at_once(storage, |secrets| {
        let secret = secret(
            user.id,
            TokenPurpose::PasswordReset,
            "ada@example.com",
            at(0),
        );
        let event = event_of(user.id, PasswordResetRequested);
        let proof = AccessProof::new(user.id);
        secrets.insert(&secret, &proof, Some(&event)).unwrap()
    });
    assert_eq!(kept, 1);
    assert_eq!(
        storage.events(user.id),
        [PasswordResetRequested, Registered]
    );
}

pub fn deleting_a_user_deletes_secrets(storage: &TestStorage) {
    let user = storage.user("ada@example.com");
    let kept = storage.keep_mailed(&user, TokenPurpose::EmailVerification, at(0));
    storage.delete_user("ada@example.com");
    assert_eq!(storage.mailed().find(&kept.digest).unwrap(), None);
    let inserted = storage.insert_mailed(&kept, None);
    assert!(matches!(inserted, Err(ProofError::UserMissing)));
    assert!(!storage.verify(&kept, at(1)));
    let nobodys = user_id();
    let kept = secret(nobodys, TokenPurpose::PasswordReset, "a@example.com", at(0));
    let inserted = storage.insert_mailed(&kept, None);
    assert!(matches!(inserted, Err(ProofError::UserMissing)));
}

pub fn a_password_reset_revokes_all_access(storage: &TestStorage) {
    let (ada, grace) = (
        storage.user("ada@example.com"),
        storage.user("grace@example.com"),
    );
    for user in [&ada, &grace] {
        let new = NewPersonalAccessToken {
            name: TokenName::new("backup").unwrap(),
            scopes: TokenScopes::new([Scope::ReadTodos]).unwrap(),
            lifetime: TokenLifetime::from_days(1).unwrap(),
        };
        let token = PersonalAccessToken::new(token_id(), user.id, new, at(0));
        let (proof, event) = (AccessProof::new(user.id), event_of(user.id, TokenCreated));
        storage
            .personal_access_tokens()
            .insert(&token, &digest(), &proof, &event)
            .unwrap();
    }
    let other = storage.keep_mailed(&ada, TokenPurpose::EmailChange, at(0));
    let graces = storage.keep_mailed(&grace, TokenPurpose::EmailChange, at(0));
    let kept = storage.keep_mailed(&ada, TokenPurpose::PasswordReset, at(0));
    assert!(storage.reset(&kept, at(SECOND)));

    let found = storage.users().find_credentials(&ada.email).unwrap();
    let found = found.unwrap();
    assert_eq!(found.password_hash, Some(new_hash()));
    assert!(found.user.email_verified);
    assert_eq!(found.user.updated_at, at(SECOND));
    assert_eq!(storage.sessions().list(ada.id).unwrap(), []);
    assert_eq!(storage.mailed().find(&other.digest).unwrap(), None);
    assert_eq!(
        storage.events(ada.id),
        [PasswordReset, TokenCreated, Registered]
    );

    let found = storage.users().find_credentials(&grace.email).unwrap();
    assert_eq!(found.unwrap().password_hash, Some(hash()));
    assert_eq!(storage.sessions().list(grace.id).unwrap().len(), 1);
    assert_eq!(storage.mailed().find(&graces.digest).unwrap(), Some(graces));
    let tokens = |user| storage.personal_access_tokens().list(user).unwrap().len();
    assert_eq!([tokens(ada.id), tokens(grace.id)], [0, 1]);

    assert!(!storage.reset(&kept, at(SECOND)));
}

pub fn an_expired_secret_changes_nothing(storage: &TestStorage) {
    let user = storage.user("ada@example.com");
    let [reset, verify, change] = [
        TokenPurpose::PasswordReset,
        TokenPurpose::EmailVerification,
        TokenPurpose::EmailChange,
    ]
    .map(|purpose| storage.keep_mailed(&user, purpose, at(0)));
    assert!(!storage.reset(&reset, reset.expires_at));
    assert!(!storage.verify(&verify, verify.expires_at));
    assert!(!storage.change(&change, change.expires_at).unwrap());
    assert_eq!(storage.user_now(user.id), user);
    assert_eq!(storage.events(user.id), [Registered]);
    assert!(storage.verify(&verify, at(1)));
}

pub fn a_verification_marks_the_address(storage: &TestStorage) {
    let user = storage.user("ada@example.com");
    let kept = storage.keep_mailed(&user, TokenPurpose::EmailVerification, at(0));
    assert!(storage.verify(&kept, at(1)));
    assert!(!storage.verify(&kept, at(1)));
    let expected = User {
        email_verified: true,
        updated_at: at(1),
        ..user
    };
    assert_eq!(storage.user_now(expected.id), expected);
    assert_eq!(storage.events(expected.id), [EmailVerified, Registered]);
}

pub fn an_email_change_changes_the_address(storage: &TestStorage) {
    let user = storage.user("ada@example.com");
    let to_the_former = storage.keep_mailed(&user, TokenPurpose::PasswordReset, at(0));
    let kept = secret(
        user.id,
        TokenPurpose::EmailChange,
        "countess@example.com",
        at(0),
    );
    assert!(storage.insert_mailed(&kept, None).unwrap());
    assert!(storage.change(&kept, at(1)).unwrap());
    assert!(!storage.change(&kept, at(1)).unwrap());
    let expected = User {
        email: kept.email,
        email_verified: true,
        updated_at: at(1),
        ..user
    };
    assert_eq!(storage.user_now(expected.id), expected);
    assert_eq!(storage.mailed().find(&to_the_former.digest).unwrap(), None);
    assert_eq!(storage.events(expected.id), [EmailChanged, Registered]);
}

pub fn an_email_change_to_a_taken_address_is_refused(storage: &TestStorage) {
    let user = storage.user("ada@example.com");
    let kept = secret(
        user.id,
        TokenPurpose::EmailChange,
        "grace@example.com",
        at(0),
    );
    assert!(storage.insert_mailed(&kept, None).unwrap());
    storage.user("grace@example.com");
    let error = storage.change(&kept, at(1)).unwrap_err();
    assert!(matches!(error, ChangeEmailError::EmailTaken));
    assert_eq!(storage.user_now(user.id), user);
    // Nothing happened, so it counts when the other one is gone.
    storage.delete_user("grace@example.com");
    assert!(storage.change(&kept, at(2)).unwrap());
}

pub fn concurrent_uses_of_a_secret_succeed_once(storage: &TestStorage, purpose: TokenPurpose) {
    let recorded = match purpose {
        TokenPurpose::PasswordReset => PasswordReset,
        TokenPurpose::EmailVerification => EmailVerified,
        TokenPurpose::EmailChange => EmailChanged,
        TokenPurpose::EmailChangeCancellation => EmailChangeCancelled,
    };
    let user = storage.user("ada@example.com");
    let kept = storage.keep_mailed(&user, purpose, at(0));
    if purpose == TokenPurpose::EmailChangeCancellation {
        storage.keep_mailed(&user, TokenPurpose::EmailChange, at(0));
    }
    let successes = used_at_once(storage, |secrets| {
        let event = event_of(user.id, recorded);
        match purpose {
            TokenPurpose::PasswordReset => {
                let reset = secrets.reset_password(&kept, &new_hash(), at(1), &event);
                reset.unwrap()
            }
            TokenPurpose::EmailVerification => secrets.verify_email(&kept, at(1), &event).unwrap(),
            TokenPurpose::EmailChange => secrets.change_email(&kept, at(1), &event).unwrap(),
            TokenPurpose::EmailChangeCancellation => {
                let cancelled = secrets.cancel_email_change(&kept, at(1), &event);
                cancelled.unwrap()
            }
        }
    });
    assert_eq!(successes, 1);
    assert_eq!(storage.events(user.id), [recorded, Registered]);
}

pub fn expired_secrets_are_deleted(storage: &TestStorage) {
    let user = storage.user("ada@example.com");
    let short = storage.keep_mailed(&user, TokenPurpose::PasswordReset, at(0));
    let long = storage.keep_mailed(&user, TokenPurpose::EmailChange, at(0));
    let delete = |now| storage.mailed().delete_expired(now).unwrap();
    assert_eq!(delete(at(30 * MINUTE - 1)), 0);
    assert_eq!(delete(at(30 * MINUTE)), 1);
    assert_eq!(storage.mailed().find(&short.digest).unwrap(), None);
    assert_eq!(storage.mailed().find(&long.digest).unwrap(), Some(long));
}
