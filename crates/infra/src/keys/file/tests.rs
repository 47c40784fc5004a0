use std::{collections::HashSet, thread};

use tempfile::TempDir;

use super::*;
use crate::keys::testing::{SetClock, at};

const HOUR: Duration = Duration::from_hours(1);

struct Fixture {
    folder: TempDir,
    clock: SetClock,
    file: KeyRingFile,
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = SetClock::new(at(0));
        let path = folder.path().join("keys");
        let file = KeyRingFile::new(path, clock.shared());
        Self {
            folder,
            clock,
            file,
        }
    }

    fn files(&self) -> Vec<String> {
        let files = fs::read_dir(&self.folder).unwrap();
        files
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect()
    }
}

fn ids(keys: &[StoredKey]) -> Vec<String> {
    keys.iter().map(|key| key.key.id().to_owned()).collect()
}

#[cfg(unix)]
fn assert_only_its_owner_can_read(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_ring_is_created_once() {
    let fixture = Fixture::new();
    assert!(matches!(fixture.file.keys(), Err(KeyRingError::Missing(_))));
    fixture.file.make_if_missing().unwrap();
    let first = ids(&fixture.file.keys().unwrap());
    assert_eq!(first.len(), 1);
    fixture.file.make_if_missing().unwrap();
    assert_eq!(ids(&fixture.file.keys().unwrap()), first);
    assert_eq!(fixture.files(), ["keys"]);
    #[cfg(unix)]
    assert_only_its_owner_can_read(fixture.file.path());
}

#[test]
fn concurrent_programs_create_one_ring() {
    let fixture = Fixture::new();
    let rings: HashSet<Vec<String>> = thread::scope(|scope| {
        let starts: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    fixture.file.make_if_missing().unwrap();
                    ids(&fixture.file.keys().unwrap())
                })
            })
            .collect();
        starts.into_iter().map(|it| it.join().unwrap()).collect()
    });
    assert_eq!(rings.len(), 1);
    assert_eq!(fixture.files(), ["keys"]);
}

#[test]
fn a_revocation_drops_every_key_but_a_new_one() {
    let fixture = Fixture::new();
    let first = fixture.file.rotate(None, HOUR).unwrap();
    let second = fixture.file.rotate(None, HOUR).unwrap();
    let third = fixture.file.revoke_others(None).unwrap();
    assert_eq!(third.keys.len(), 1);
    assert_eq!(
        ids(&third.dropped),
        [ids(&second.keys)[0].clone(), ids(&first.keys)[0].clone()]
    );
    assert_eq!(ids(&fixture.file.keys().unwrap()), ids(&third.keys));
}

#[test]
fn a_rotation_keeps_old_keys_for_as_long_as_their_tokens_live() {
    let fixture = Fixture::new();
    let first = fixture.file.rotate(None, HOUR).unwrap();
    fixture.clock.set(at(100));
    let second = fixture.file.rotate(None, HOUR).unwrap();
    assert_eq!(second.keys[1].retired_at, Some(at(100)));
    assert_eq!(ids(&second.keys)[1..], ids(&first.keys));
    assert_ne!(ids(&second.keys)[0], ids(&first.keys)[0]);
    assert_eq!(ids(&fixture.file.keys().unwrap()), ids(&second.keys));

    // An hour, and ten minutes for those who notice late.
    let until = second.keys[1].verifies_until(HOUR).unwrap();
    assert_eq!(until, at(100 + 70 * 60));
    fixture.clock.set(at(100 + 70 * 60 - 1));
    let third = fixture.file.rotate(None, HOUR).unwrap();
    assert_eq!((third.keys.len(), third.dropped.len()), (3, 0));
    assert_eq!(third.keys[2].retired_at, Some(at(100)), "it stays");
    fixture.clock.set(until);
    let fourth = fixture.file.rotate(None, HOUR).unwrap();
    assert_eq!(ids(&fourth.dropped), ids(&first.keys));
    assert_eq!(fourth.keys.len(), 3);
    assert_eq!(fixture.files(), ["keys"]);
    #[cfg(unix)]
    assert_only_its_owner_can_read(fixture.file.path());
}

#[test]
fn the_algorithm_stays_until_another_is_requested() {
    use SigningAlgorithm::{EdDsa, Hs256};
    let fixture = Fixture::new();
    for (asked, given) in [
        (None, Hs256),
        (Some(EdDsa), EdDsa),
        (None, EdDsa),
        (Some(Hs256), Hs256),
    ] {
        let keys = fixture.file.rotate(asked, HOUR).unwrap().keys;
        assert_eq!(keys[0].key.algorithm(), given);
    }
}

#[test]
fn the_secret_of_an_earlier_version_is_migrated() {
    let fixture = Fixture::new();
    fs::write(fixture.file.path(), [7; 64]).unwrap();
    fixture.file.make_if_missing().unwrap();
    assert_eq!(
        fs::read(fixture.file.path()).unwrap(),
        [7; 64],
        "left alone"
    );
    let before = ids(&fixture.file.keys().unwrap());
    let after = fixture.file.rotate(None, HOUR).unwrap().keys;
    assert_eq!(ids(&after)[1..], before);
    #[cfg(unix)]
    assert_only_its_owner_can_read(fixture.file.path());
}

#[test]
fn concurrent_rotations_are_all_made_and_readers_see_complete_rings() {
    const THREADS: usize = 4;
    const ROTATIONS: usize = 10;
    let fixture = Fixture::new();
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for _ in 0..ROTATIONS {
                    fixture.file.rotate(None, HOUR).unwrap();
                    fixture.file.keys().unwrap();
                }
            });
        }
    });
    let keys = fixture.file.keys().unwrap();
    assert_eq!(keys.len(), THREADS * ROTATIONS);
    assert_eq!(fixture.files(), ["keys"]);
}

#[test]
fn an_invalid_key_file_is_refused_and_not_changed() {
    let fixture = Fixture::new();
    let large = vec![b' '; usize::try_from(MAX_LENGTH).unwrap() + 1];
    for broken in [&b""[..], b"{", b"short", br#"{"keys": []}"#, &large] {
        fs::write(fixture.file.path(), broken).unwrap();
        assert!(fixture.file.make_if_missing().is_ok(), "there is one");
        for error in [
            fixture.file.keys().unwrap_err(),
            fixture.file.rotate(None, HOUR).unwrap_err(),
        ] {
            assert!(matches!(error, KeyRingError::Invalid(..)), "{error}");
        }
        assert_eq!(fs::read(fixture.file.path()).unwrap(), broken);
    }
    assert_eq!(fixture.files(), ["keys"]);
}

#[test]
fn an_error_names_the_file_that_cannot_be_created() {
    let clock = SetClock::new(at(0)).shared();
    let file = KeyRingFile::new("/nowhere/at/all/keys".into(), clock);
    let error = file.rotate(None, HOUR).unwrap_err();
    assert!(matches!(error, KeyRingError::Writing(..)), "{error}");
    assert!(error.to_string().contains("/nowhere/at/all/keys"));
}

#[cfg(unix)]
#[test]
fn a_rotation_keeps_the_owner_of_the_file() {
    use std::os::unix::fs::{MetadataExt, chown};
    let fixture = Fixture::new();
    fixture.file.make_if_missing().unwrap();
    let owner = || {
        let metadata = fs::metadata(fixture.file.path()).unwrap();
        (metadata.uid(), metadata.gid())
    };
    // Only root may give a file away.
    let given = chown(fixture.file.path(), Some(10_001), Some(10_002)).is_ok();
    let before = owner();
    fixture.file.rotate(None, HOUR).unwrap();
    assert_eq!(owner(), before);
    assert!(!given || before == (10_001, 10_002));
    assert_only_its_owner_can_read(fixture.file.path());
}

#[cfg(unix)]
#[test]
fn a_rotation_replaces_the_target_of_a_link() {
    let fixture = Fixture::new();
    fixture.file.make_if_missing().unwrap();
    let link = fixture.folder.path().join("link");
    std::os::unix::fs::symlink(fixture.file.path(), &link).unwrap();
    let linked = KeyRingFile::new(link.clone(), fixture.clock.shared());
    let keys = linked.rotate(None, HOUR).unwrap().keys;
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(ids(&fixture.file.keys().unwrap()), ids(&keys));
}
