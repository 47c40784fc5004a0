//! Clauses about access that is granted and revoked: in whatever order the two reach the storage, nothing that was derived
//! from revoked access survives.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Barrier, Mutex,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    thread,
    time::Duration,
};

use todo_domain::{
    AccessProof, Email, EmailToken, NewPersonalAccessToken, PasswordHash, PersonalAccessToken,
    Quotas, ReplacedSession, Revocation, Scope, SecretDigest,
    SecurityEventKind::{
        AccountDeleted, AccountDisabled, AccountEnabled, EmailChangeCancelled, EmailChanged,
        LoggedIn, LoggedOut, PasswordChanged, PasswordReset, Registered, SessionsEnded,
        TokenCreated,
    },
    Session, SessionStart, TokenLifetime, TokenName, TokenPurpose, TokenScopes, User,
    ports::{
        EmailTokens, InsertTokenError, PersonalAccessTokens, ProofError, SessionRepository,
        UserRepository,
    },
};

use crate::Storage;
use crate::fixture::{
    TestStorage, digest, event_of, hash, new_user, now, session_of, start_of, token_id, user_id,
};

/// Access that an intruder obtains by a session, the password or a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grant {
    /// A session, from the password that was verified.
    Session,
    /// A personal access token, from the session.
    Token,
    /// A token that confirms the address, from the session.
    VerificationMail,
    /// A pending change of the address, from the session and the password.
    EmailChangeMail,
    /// Another address, from the token of a pending change.
    EmailChange,
}

/// A measure of the owner against intruders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Measure {
    ChangePassword,
    ResetPassword,
    LogOutOthers,
    DeleteAccount,
    /// The operator does this.
    Disable,
}

/// An account with a session of its owner and one of an intruder, who also knows the password.
struct Account<'a> {
    storage: &'a TestStorage<'a>,
    user: User,
    owner: Session,
    intruder: Session,
    reset: EmailToken,
    change: EmailToken,
    /// The digests of all mailed secrets.
    mailed: Mutex<Vec<SecretDigest>>,
}

fn secret(user: &User, purpose: TokenPurpose, email: &Email) -> EmailToken {
    EmailToken::new(digest(), user.id, purpose, email.clone(), now())
}

/// An address of the intruder that no account has.
fn elsewhere() -> Email {
    Email::new(&format!("{}@evil.example", user_id())).unwrap()
}

fn token_of(user: &User) -> PersonalAccessToken {
    let new = NewPersonalAccessToken {
        name: TokenName::new("backup").unwrap(),
        scopes: TokenScopes::new([Scope::ReadTodos]).unwrap(),
        lifetime: TokenLifetime::from_days(1).unwrap(),
    };
    PersonalAccessToken::new(token_id(), user.id, new, now())
}

/// Whether something was granted, which fails for no other reason than its proof.
fn granted(result: Result<bool, ProofError>) -> bool {
    match result {
        Ok(granted) => granted,
        Err(ProofError::Storage(error)) => panic!("{error:?}"),
        Err(_) => false,
    }
}

impl<'a> Account<'a> {
    /// `grant` decides whether a change of the address is pending from the beginning.
    fn new(storage: &'a TestStorage<'a>, grant: Grant) -> Self {
        let user = new_user(&format!("{}@example.com", user_id()));
        let (owner, intruder) = (session_of(user.id), session_of(user.id));
        storage
            .users()
            .insert(&user, &hash(), &start_of(&owner, Registered))
            .unwrap();
        storage.begin(&intruder);
        let secrets = storage.mailed_secrets();
        let keep = |purpose, email: &Email| {
            let secret = secret(&user, purpose, email);
            let proof = AccessProof::new(user.id);
            assert!(secrets.insert(&secret, &proof, None).unwrap());
            secret
        };
        let reset = keep(TokenPurpose::PasswordReset, &user.email);
        let change = if grant == Grant::EmailChange {
            keep(TokenPurpose::EmailChange, &elsewhere())
        } else {
            secret(&user, TokenPurpose::EmailChange, &elsewhere())
        };
        Self {
            storage,
            mailed: Mutex::new(vec![reset.digest, change.digest]),
            user,
            owner,
            intruder,
            reset,
            change,
        }
    }

    /// Whether it was granted. The proof is that of the time before any measure.
    fn grant(&self, database: &dyn Storage, grant: Grant) -> bool {
        let user = &self.user;
        let by_password = AccessProof::new(user.id).with_password_hash(hash());
        let by_session = AccessProof::new(user.id).with_session(self.intruder.id);
        let by_both = by_password.clone().with_session(self.intruder.id);
        match grant {
            Grant::Session => {
                let start = start_of(&session_of(user.id), LoggedIn);
                let inserted = SessionRepository::insert(database, &start, &by_password);
                granted(inserted.map(|()| true))
            }
            Grant::Token => {
                let event = event_of(user.id, TokenCreated);
                let token = token_of(user);
                let inserted =
                    PersonalAccessTokens::insert(database, &token, &digest(), &by_session, &event);
                match inserted {
                    // Of too many, there are enough to survive.
                    Ok(()) | Err(InsertTokenError::TooMany) => true,
                    Err(InsertTokenError::Proof(failed)) => granted(Err(failed)),
                    Err(error) => panic!("{error:?}"),
                }
            }
            Grant::VerificationMail => {
                let secret = secret(user, TokenPurpose::EmailVerification, &user.email);
                self.mailed.lock().unwrap().push(secret.digest);
                let proof = by_session.with_email(user.email.clone());
                granted(EmailTokens::insert(database, &secret, &proof, None))
            }
            Grant::EmailChangeMail => {
                let proof = by_both.with_email(user.email.clone());
                granted(EmailTokens::insert(database, &self.change, &proof, None))
            }
            Grant::EmailChange => {
                let event = event_of(user.id, EmailChanged);
                database.change_email(&self.change, now(), &event).unwrap()
            }
        }
    }

    /// Whether it was taken.
    fn take(&self, database: &dyn Storage, measure: Measure) -> bool {
        let id = self.user.id;
        let proof = AccessProof::new(id)
            .with_session(self.owner.id)
            .with_password_hash(hash());
        let others = Revocation {
            except: Some(self.owner.id),
            tokens: true,
        };
        let new_hash = PasswordHash::new("$argon2id$another-hash".to_owned());
        match measure {
            Measure::ChangePassword => {
                let event = event_of(id, PasswordChanged);
                let replaced = database.replace_password(&proof, &new_hash, others, &event);
                granted(replaced.map(|()| true))
            }
            Measure::ResetPassword => {
                let event = event_of(id, PasswordReset);
                let reset = database.reset_password(&self.reset, &new_hash, now(), &event);
                reset.unwrap()
            }
            Measure::LogOutOthers => {
                let event = event_of(id, SessionsEnded);
                granted(database.revoke_all(&proof, others, &event).map(|_| true))
            }
            Measure::DeleteAccount => {
                let event = event_of(id, AccountDeleted).of_former_user(id);
                granted(UserRepository::delete(database, &proof, &event).map(|()| true))
            }
            Measure::Disable => {
                let event = event_of(id, AccountDisabled);
                let disabled = UserRepository::disable(database, id, &event).unwrap();
                // Nobody goes on.
                assert_eq!(self.storage.sessions().list(id).unwrap(), []);
                disabled
            }
        }
    }

    fn tokens(&self) -> usize {
        let tokens = self.storage.personal_access_tokens().list(self.user.id);
        tokens.unwrap().len()
    }

    /// The number of mailed secrets that are stored.
    fn mailed(&self) -> usize {
        let digests = self.mailed.lock().unwrap();
        let found = |digest: &&SecretDigest| {
            self.storage
                .mailed_secrets()
                .find(digest)
                .unwrap()
                .is_some()
        };
        digests.iter().filter(found).count()
    }

    /// What there is besides the session of the owner.
    fn survivors(&self) -> usize {
        let sessions = self.storage.sessions().list(self.user.id).unwrap();
        let others = sessions.iter().filter(|one| one.id != self.owner.id);
        others.count() + self.tokens() + self.mailed()
    }
}

const BY_SESSION: [Measure; 5] = [
    Measure::ChangePassword,
    Measure::ResetPassword,
    Measure::LogOutOthers,
    Measure::DeleteAccount,
    Measure::Disable,
];
/// Who logs out others does not change the password.
const BY_PASSWORD: [Measure; 4] = [
    Measure::ChangePassword,
    Measure::ResetPassword,
    Measure::DeleteAccount,
    Measure::Disable,
];

fn measures(grant: Grant) -> &'static [Measure] {
    match grant {
        Grant::Session => &BY_PASSWORD,
        Grant::Token | Grant::VerificationMail | Grant::EmailChangeMail | Grant::EmailChange => {
            &BY_SESSION
        }
    }
}

pub fn a_grant_after_a_revocation_fails(storage: &TestStorage, grant: Grant) {
    for measure in measures(grant) {
        let account = Account::new(storage, grant);
        let database = account.storage.instance();
        assert!(account.take(database, *measure));
        let events = storage.events(account.user.id);
        assert!(!account.grant(database, grant), "{grant:?} {measure:?}");
        assert_eq!(account.survivors(), 0, "{grant:?} {measure:?}");
        assert_eq!(storage.events(account.user.id), events);
    }
}

pub fn a_revocation_after_a_grant_deletes_it(storage: &TestStorage, grant: Grant) {
    for measure in measures(grant) {
        let account = Account::new(storage, grant);
        let database = account.storage.instance();
        assert!(account.grant(database, grant));
        assert!(account.take(database, *measure), "{grant:?} {measure:?}");
        assert_eq!(account.survivors(), 0, "{grant:?} {measure:?}");
    }
}

pub fn a_grant_during_a_revocation_does_not_survive(storage: &TestStorage, grant: Grant) {
    const INTRUDERS: usize = 3;
    // No login of an intruder ends the session of the owner before its turn comes.
    let quotas = Quotas {
        sessions: u32::MAX,
        ..Quotas::default()
    };
    let instances: Vec<_> = (0..=INTRUDERS)
        .map(|_| storage.connect_with(quotas))
        .collect();
    for measure in measures(grant).iter().cycle().take(25) {
        let account = Account::new(storage, grant);
        let begin = Barrier::new(instances.len());
        let is_over = AtomicBool::new(false);
        thread::scope(|scope| {
            let (owner, intruders) = instances.split_first().unwrap();
            for intruder in intruders {
                scope.spawn(|| {
                    begin.wait();
                    // Until it is refused; mails are sent once a minute at most. In between, SQLite lets in whoever
                    // polls for its turn.
                    while account.grant(&**intruder, grant) && !is_over.load(SeqCst) {
                        thread::sleep(Duration::from_millis(2));
                    }
                });
            }
            begin.wait();
            let is_taken = catch_unwind(AssertUnwindSafe(|| account.take(&**owner, *measure)));
            if is_taken.is_err() {
                is_over.store(true, SeqCst);
            }
            assert!(is_taken.unwrap(), "{grant:?} {measure:?}");
        });
        assert_eq!(account.survivors(), 0, "{grant:?} {measure:?}");
    }
}

pub fn an_ended_session_grants_nothing(storage: &TestStorage) {
    for grant in [
        Grant::Token,
        Grant::VerificationMail,
        Grant::EmailChangeMail,
    ] {
        let account = Account::new(storage, grant);
        let database = account.storage.instance();
        let event = event_of(account.user.id, LoggedOut);
        let sessions = account.storage.sessions();
        let (user, id) = (account.user.id, account.intruder.id);
        assert!(sessions.delete(user, id, &event).unwrap());
        assert!(!account.grant(database, grant), "{grant:?}");
        let proof = AccessProof::new(user).with_session(id);
        let event = event_of(user, SessionsEnded);
        let revoked = sessions.revoke_all(&proof, Revocation::default(), &event);
        assert!(matches!(revoked, Err(ProofError::SessionEnded)));
        let event = event_of(user, AccountDeleted).of_former_user(user);
        let deleted = account.storage.users().delete(&proof, &event);
        assert!(matches!(deleted, Err(ProofError::SessionEnded)));
    }
}

pub fn a_disabled_account_grants_nothing_until_it_is_enabled(storage: &TestStorage) {
    let account = Account::new(storage, Grant::Session);
    let (database, user) = (account.storage.instance(), &account.user);
    let users: &dyn UserRepository = database;
    let disabled = event_of(user.id, AccountDisabled);
    let enabled = event_of(user.id, AccountEnabled);
    // Twice, of which one is recorded.
    for _ in 0..2 {
        assert!(users.disable(user.id, &disabled).unwrap());
    }
    let proof = AccessProof::new(user.id).with_password_hash(hash());
    let start = || start_of(&session_of(user.id), LoggedIn);
    let inserted = SessionRepository::insert(database, &start(), &proof);
    assert!(matches!(inserted, Err(ProofError::UserDisabled)));

    for _ in 0..2 {
        assert!(users.enable(user.id, &enabled).unwrap());
    }
    SessionRepository::insert(database, &start(), &proof).unwrap();
    let events = account.storage.events(user.id);
    let of_operator = |kind: &&_| [AccountDisabled, AccountEnabled].contains(kind);
    assert_eq!(events.iter().filter(of_operator).count(), 2);
    let nobody = user_id();
    assert!(!users.disable(nobody, &disabled).unwrap());
    assert!(!users.enable(nobody, &enabled).unwrap());
}

pub fn users_with_access_are_listed_in_pages(storage: &TestStorage) {
    let account = Account::new(storage, Grant::Session);
    let others: Vec<_> = (0..3)
        .map(|number| storage.user(&format!("user{number}@example.com")).id)
        .collect();
    let nobody = storage.user("nobody@example.com");
    let event = event_of(nobody.id, SessionsEnded);
    let proof = AccessProof::new(nobody.id);
    storage
        .sessions()
        .revoke_all(&proof, Revocation::default(), &event)
        .unwrap();
    let mut expected = [vec![account.user.id], others].concat();
    expected.sort_unstable();
    let sessions = storage.sessions();
    let first = sessions.list_users_with_access(None, 3).unwrap();
    assert_eq!(first, expected[..3]);
    let rest = sessions.list_users_with_access(first.last().copied(), 3);
    assert_eq!(rest.unwrap(), expected[3..]);
}

pub fn a_former_address_is_no_proof(storage: &TestStorage) {
    let account = Account::new(storage, Grant::EmailChange);
    let database = account.storage.instance();
    assert!(account.grant(database, Grant::EmailChange));
    let user = &account.user;
    let secret = secret(user, TokenPurpose::PasswordReset, &user.email);
    let proof = AccessProof::new(user.id).with_email(user.email.clone());
    let inserted = EmailTokens::insert(database, &secret, &proof, None);
    assert!(matches!(inserted, Err(ProofError::EmailChanged)));
}

pub fn tokens_survive_a_revocation_without_tokens(storage: &TestStorage) {
    let account = Account::new(storage, Grant::Token);
    let database = account.storage.instance();
    assert!(account.grant(database, Grant::Token));
    let user = account.user.id;
    let event = event_of(user, SessionsEnded);
    let revoked = database.revoke_all(&AccessProof::new(user), Revocation::default(), &event);
    assert_eq!(revoked.unwrap(), 2);
    assert_eq!(account.tokens(), 1);
    assert_eq!(account.mailed(), 0);
}

pub fn a_pending_email_change_is_found_and_cancelled(storage: &TestStorage) {
    let account = Account::new(storage, Grant::EmailChange);
    let (database, user) = (account.storage.instance(), &account.user);
    let secrets: &dyn EmailTokens = database;
    let pending = || secrets.find_email_change(user.id, now()).unwrap();
    let is_pending = |secret: Option<EmailToken>| secret.map(|found| found.digest);
    assert_eq!(is_pending(pending()), Some(account.change.digest));
    let expired = account.change.expires_at;
    assert_eq!(secrets.find_email_change(user.id, expired).unwrap(), None);

    let cancellation = secret(user, TokenPurpose::EmailChangeCancellation, &user.email);
    let proof = AccessProof::new(user.id);
    assert!(secrets.insert(&cancellation, &proof, None).unwrap());
    let event = event_of(user.id, EmailChangeCancelled);
    let cancel = || {
        secrets
            .cancel_email_change(&cancellation, now(), &event)
            .unwrap()
    };
    assert!(cancel());
    assert!(!cancel());
    assert_eq!(pending(), None);
    assert!(!account.grant(database, Grant::EmailChange));
    let events = account.storage.events(user.id);
    assert_eq!(events, [EmailChangeCancelled, LoggedIn, Registered]);
    // The mail for another purpose is still valid.
    assert_eq!(account.mailed(), 1);
}

pub fn a_session_cancels_a_pending_email_change(storage: &TestStorage) {
    let account = Account::new(storage, Grant::EmailChange);
    let (database, user) = (account.storage.instance(), &account.user);
    let event = event_of(user.id, EmailChangeCancelled);
    let withdraw = |session: &Session| {
        let proof = AccessProof::new(user.id).with_session(session.id);
        database.withdraw_email_change(&proof, &event)
    };
    let unknown = withdraw(&session_of(user.id));
    assert!(matches!(unknown, Err(ProofError::SessionEnded)));
    assert!(withdraw(&account.owner).unwrap());
    assert!(!withdraw(&account.owner).unwrap());
    assert!(!account.grant(database, Grant::EmailChange));
}

pub fn a_replaced_session_ends_when_the_new_one_starts(storage: &TestStorage) {
    let account = Account::new(storage, Grant::Session);
    let (sessions, user) = (account.storage.sessions(), account.user.id);
    let start = |event| SessionStart {
        replaces: Some(ReplacedSession {
            id: account.intruder.id,
            user_id: user,
            event: event_of(user, LoggedOut),
        }),
        ..start_of(&session_of(user), event)
    };
    let refused = AccessProof::new(user).with_password_hash(PasswordHash::new("b".to_owned()));
    let inserted = sessions.insert(&start(LoggedIn), &refused);
    assert!(matches!(inserted, Err(ProofError::PasswordChanged)));
    assert!(account.storage.session(account.intruder.id).is_some());

    let proof = AccessProof::new(user).with_password_hash(hash());
    let begun = start(LoggedIn);
    sessions.insert(&begun, &proof).unwrap();
    assert_eq!(account.storage.session(account.intruder.id), None);
    assert_eq!(
        account.storage.session(begun.session.id),
        Some(begun.session)
    );
    // There is nothing left to replace, which is no fault.
    sessions.insert(&start(LoggedIn), &proof).unwrap();
    let ended = account.storage.events(user);
    assert_eq!(ended.iter().filter(|kind| **kind == LoggedOut).count(), 1);
}
