//! The feature `mocks`: every port has a mock that stands in for it.

use std::sync::Arc;

use todo_domain::{
    Timestamp,
    ports::{
        AccessTokens, Archive, AttemptStore, Clock, CommonPasswords, EmailTokens, IdGenerator,
        Mailer, MockAccessTokens, MockArchive, MockAttemptStore, MockClock, MockCommonPasswords,
        MockEmailTokens, MockIdGenerator, MockMailer, MockPasswordHasher, MockPersonalAccessTokens,
        MockPublicKeys, MockRefreshTokens, MockSecrets, MockSecurityEvents, MockSessionRepository,
        MockStorageProbe, MockTodoRepository, MockUserRepository, PasswordHasher,
        PersonalAccessTokens, PublicKeys, RefreshTokens, Secrets, SecurityEvents,
        SessionRepository, StorageProbe, TodoRepository, UserRepository,
    },
};

#[test]
fn a_mock_answers_as_it_was_told() {
    let instant = Timestamp::from_microseconds(1).unwrap();
    let mut clock = MockClock::new();
    clock.expect_now().return_const(instant);
    let clock: Arc<dyn Clock> = Arc::new(clock);
    assert_eq!(clock.now(), instant);
}

#[test]
fn every_port_can_be_shared_as_an_object() {
    fn shared<T: ?Sized + Send + Sync>(_: Arc<T>) {}
    shared::<dyn AccessTokens>(Arc::new(MockAccessTokens::new()));
    shared::<dyn Archive>(Arc::new(MockArchive::new()));
    shared::<dyn CommonPasswords>(Arc::new(MockCommonPasswords::new()));
    shared::<dyn AttemptStore>(Arc::new(MockAttemptStore::new()));
    shared::<dyn IdGenerator>(Arc::new(MockIdGenerator::new()));
    shared::<dyn EmailTokens>(Arc::new(MockEmailTokens::new()));
    shared::<dyn Mailer>(Arc::new(MockMailer::new()));
    shared::<dyn PasswordHasher>(Arc::new(MockPasswordHasher::new()));
    shared::<dyn PersonalAccessTokens>(Arc::new(MockPersonalAccessTokens::new()));
    shared::<dyn Secrets>(Arc::new(MockSecrets::new()));
    shared::<dyn PublicKeys>(Arc::new(MockPublicKeys::new()));
    shared::<dyn RefreshTokens>(Arc::new(MockRefreshTokens::new()));
    shared::<dyn SecurityEvents>(Arc::new(MockSecurityEvents::new()));
    shared::<dyn SessionRepository>(Arc::new(MockSessionRepository::new()));
    shared::<dyn StorageProbe>(Arc::new(MockStorageProbe::new()));
    shared::<dyn TodoRepository>(Arc::new(MockTodoRepository::new()));
    shared::<dyn UserRepository>(Arc::new(MockUserRepository::new()));
}
