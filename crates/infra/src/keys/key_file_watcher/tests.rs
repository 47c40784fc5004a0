use std::{fs, thread};

use tempfile::TempDir;
use todo_domain::ports::PublicKeys;

use super::*;
use crate::keys::{
    KeyRing, SigningAlgorithm,
    testing::{SetClock, at},
};

const HOUR: Duration = Duration::from_hours(1);

struct Fixture {
    _folder: TempDir,
    clock: SetClock,
    file: KeyRingFile,
    ring: KeyRing,
}

impl Fixture {
    /// A ring of one key that is watched.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = SetClock::new(at(0));
        let file = KeyRingFile::new(folder.path().join("keys"), clock.shared());
        file.make_if_missing().unwrap();
        let ring = KeyRing::of_file(file.clone(), Vec::new(), HOUR, clock.shared()).unwrap();
        Self {
            _folder: folder,
            clock,
            file,
            ring,
        }
    }

    fn current(&self) -> String {
        self.ring.current().id().to_owned()
    }

    fn rotate(&self) -> String {
        let keys = self.file.rotate(None, HOUR).unwrap().keys;
        keys[0].key.id().to_owned()
    }

    fn knows(&self, id: &str) -> bool {
        self.ring.find(id).unwrap().is_some()
    }
}

#[test]
fn a_rotation_is_noticed_after_the_check_interval() {
    let fixture = Fixture::new();
    let old = fixture.current();
    let new = fixture.rotate();
    fixture.clock.set(at(4));
    assert_eq!(fixture.current(), old);
    fixture.clock.set(at(5));
    assert_eq!(fixture.current(), new);
    assert!(fixture.knows(&old));
}

#[test]
fn a_revoked_key_is_refused_after_the_check_interval() {
    let fixture = Fixture::new();
    let old = fixture.current();
    fixture.file.revoke_others(None).unwrap();
    fixture.clock.set(at(5));
    assert!(!fixture.knows(&old));
    assert_ne!(fixture.current(), old);
}

#[test]
fn a_rotation_is_noticed_after_the_clock_was_set_back() {
    let fixture = Fixture::new();
    let new = fixture.rotate();
    fixture.clock.set(at(-600));
    assert_eq!(fixture.current(), new);
}

#[test]
fn an_unknown_key_id_reloads_the_file_at_once() {
    let fixture = Fixture::new();
    for _ in 0..3 {
        // Others may make up ids just before.
        assert!(!fixture.knows("made up"));
        let new = fixture.rotate();
        assert!(fixture.knows(&new));
        assert_eq!(fixture.current(), new);
    }
}

#[test]
fn a_retired_key_verifies_until_its_tokens_have_expired() {
    let fixture = Fixture::new();
    let old = fixture.current();
    fixture.rotate();
    fixture.clock.set(at(70 * 60 - 1));
    assert!(fixture.knows(&old));
    fixture.clock.set(at(70 * 60));
    assert!(!fixture.knows(&old), "though it is in the file");
    assert_eq!(fixture.file.keys().unwrap().len(), 2);
}

#[test]
fn an_invalid_or_missing_file_keeps_the_previous_keys() {
    let fixture = Fixture::new();
    let old = fixture.current();
    let good = fs::read(fixture.file.path()).unwrap();
    fs::write(fixture.file.path(), "{").unwrap();
    for seconds in [10, 20] {
        fixture.clock.set(at(seconds));
        assert_eq!(fixture.current(), old);
        assert!(fixture.knows(&old));
        let error = fixture.ring.find("another").unwrap_err();
        assert!(matches!(error, KeyRingError::Invalid(..)), "{error}");
    }
    fs::remove_file(fixture.file.path()).unwrap();
    assert!(fixture.knows(&old));
    let error = fixture.ring.find("another").unwrap_err();
    assert!(matches!(error, KeyRingError::Missing(_)), "{error}");

    fs::write(fixture.file.path(), good).unwrap();
    assert!(!fixture.knows("another"));
    let new = fixture.rotate();
    assert!(fixture.knows(&new));
}

#[test]
fn no_token_is_refused_while_keys_are_rotated() {
    let fixture = Fixture::new();
    let first = fixture.current();
    thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..20 {
                let new = fixture.rotate();
                assert!(fixture.knows(&new), "what was just signed is accepted");
            }
        });
        for _ in 0..3 {
            scope.spawn(|| {
                for _ in 0..100 {
                    assert!(fixture.knows(&first));
                    assert!(!fixture.knows("made up"));
                }
            });
        }
    });
}

#[test]
fn public_keys_are_those_of_key_pairs_that_verify() {
    let fixture = Fixture::new();
    assert_eq!(fixture.ring.public_keys(), []);
    let ids = |seconds| {
        fixture.clock.set(at(seconds));
        let keys = fixture.ring.public_keys();
        keys.into_iter().map(|key| key.id).collect::<Vec<_>>()
    };
    let rotate = |algorithm| {
        let keys = fixture.file.rotate(Some(algorithm), HOUR).unwrap().keys;
        keys[0].key.id().to_owned()
    };
    let first = rotate(SigningAlgorithm::EdDsa);
    let second = rotate(SigningAlgorithm::EdDsa);
    assert_eq!(ids(5), [second.clone(), first.clone()]);
    rotate(SigningAlgorithm::Hs256);
    assert_eq!(ids(10).len(), 2);
    // The first was retired at 0, the second 5 seconds later.
    assert_eq!(ids(70 * 60), [second]);
}
