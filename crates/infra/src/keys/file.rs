//! The file of a ring of keys.

use std::{
    fmt,
    fs::{self, File, Metadata},
    io::{self, Read},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use todo_domain::{Timestamp, ports::Clock};
use zeroize::Zeroizing;

use super::{
    InvalidKeyRing, KeyRingError, SigningAlgorithm, SigningKey, StoredKey, format,
    placing::{Stamp, place, replace},
};

/// The largest file that is read, in bytes: thousands of keys.
const MAX_LENGTH: u64 = 1 << 20;

/// A file that keeps a ring of keys, for its owner only.
#[derive(Clone)]
pub struct KeyRingFile {
    path: PathBuf,
    clock: Arc<dyn Clock>,
}

/// What a rotation came to.
#[derive(Debug)]
pub struct Rotation {
    /// The ring as it is now, the key that signs first.
    pub keys: Vec<StoredKey>,
    /// The keys that are not in it any more.
    pub dropped: Vec<StoredKey>,
}

/// A file that is open, so that what is read is what the stamp was taken of.
pub(super) struct Opened {
    file: File,
    metadata: Metadata,
}

impl Opened {
    fn new(file: File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        Ok(Self { file, metadata })
    }

    pub(super) fn stamp(&self) -> Stamp {
        Stamp::of(&self.metadata)
    }
}

impl KeyRingFile {
    /// The file at `path`, which need not be there.
    #[must_use]
    pub fn new(path: PathBuf, clock: Arc<dyn Clock>) -> Self {
        Self { path, clock }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The keys, the one that signs first.
    ///
    /// # Errors
    /// [`KeyRingError`].
    pub fn keys(&self) -> Result<Vec<StoredKey>, KeyRingError> {
        self.read(&mut self.open()?)
    }

    /// Makes a ring of one key for HS256, where there is no file. Programs that start together make one, and all use it.
    ///
    /// # Errors
    /// [`KeyRingError`].
    pub fn make_if_missing(&self) -> Result<(), KeyRingError> {
        match self.open() {
            Ok(_) => Ok(()),
            Err(KeyRingError::Missing(_)) => self.make(SigningAlgorithm::Hs256).map(drop),
            Err(error) => Err(error),
        }
    }

    /// Makes a new key that signs from now on, keeps the others to verify, and drops those whose tokens have all expired,
    /// where tokens live no longer than `longest_token_lifetime`. Where there is no file, it makes one.
    ///
    /// The new key is for `algorithm`, or else for that of the key whose place it takes. The file is replaced as a
    /// whole, or is as it was; rotations at the same time happen one after another.
    ///
    /// # Errors
    /// [`KeyRingError`].
    pub fn rotate(
        &self,
        algorithm: Option<SigningAlgorithm>,
        longest_token_lifetime: Duration,
    ) -> Result<Rotation, KeyRingError> {
        self.replace_current(algorithm, |key, now| {
            key.is_past(longest_token_lifetime, now)
        })
    }

    /// Makes a new key as [`Self::rotate`] does, and drops all others, whose tokens are not accepted any more.
    ///
    /// # Errors
    /// [`KeyRingError`].
    pub fn revoke_others(
        &self,
        algorithm: Option<SigningAlgorithm>,
    ) -> Result<Rotation, KeyRingError> {
        self.replace_current(algorithm, |_, _| true)
    }

    /// Makes a new key, and drops those others that `is_dropped` says.
    fn replace_current(
        &self,
        algorithm: Option<SigningAlgorithm>,
        is_dropped: impl Fn(&StoredKey, Timestamp) -> bool,
    ) -> Result<Rotation, KeyRingError> {
        loop {
            let Some(mut locked) = self.lock()? else {
                let algorithm = algorithm.unwrap_or(SigningAlgorithm::Hs256);
                if let Some(key) = self.make(algorithm)? {
                    return Ok(Rotation {
                        keys: vec![key],
                        dropped: Vec::new(),
                    });
                }
                // Somebody else has made one meanwhile, which is rotated.
                continue;
            };
            let mut keys = self.read(&mut locked)?;
            let current = keys.first().map(|current| current.key.algorithm());
            let algorithm = algorithm.or(current).unwrap_or(SigningAlgorithm::Hs256);
            let fresh = self.fresh(algorithm)?;
            for stored in &mut keys {
                stored.retired_at.get_or_insert(fresh.created_at);
            }
            let now = fresh.created_at;
            let (dropped, kept) = keys
                .into_iter()
                .partition(|stored: &StoredKey| is_dropped(stored, now));
            let keys: Vec<StoredKey> = [vec![fresh], kept].concat();
            // Where the file is a link, what it links to is replaced.
            fs::canonicalize(&self.path)
                .and_then(|path| replace(&path, &format::write(&keys), &locked.metadata))
                .map_err(|error| self.writing(error))?;
            return Ok(Rotation { keys, dropped });
        }
    }

    pub(super) fn open(&self) -> Result<Opened, KeyRingError> {
        File::open(&self.path)
            .and_then(Opened::new)
            .map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => KeyRingError::Missing(self.path.clone()),
                _ => self.reading(error),
            })
    }

    pub(super) fn read(&self, opened: &mut Opened) -> Result<Vec<StoredKey>, KeyRingError> {
        let mut bytes = Zeroizing::new(Vec::new());
        (&opened.file)
            .take(MAX_LENGTH + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| self.reading(error))?;
        if bytes.len() as u64 > MAX_LENGTH {
            return Err(self.invalid(InvalidKeyRing::TooLarge { max: MAX_LENGTH }));
        }
        let made_at = opened
            .metadata
            .modified()
            .ok()
            .and_then(|time| jiff::Timestamp::try_from(time).ok())
            .map_or_else(|| self.clock.now(), Timestamp::truncate);
        format::parse(&bytes, made_at).map_err(|fault| self.invalid(fault))
    }

    pub(super) fn invalid(&self, fault: InvalidKeyRing) -> KeyRingError {
        KeyRingError::Invalid(self.path.clone(), fault)
    }

    /// The file, which nobody else rotates until it is closed; `None` when there is none.
    fn lock(&self) -> Result<Option<Opened>, KeyRingError> {
        loop {
            let file = match File::options().read(true).write(true).open(&self.path) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(self.writing(error)),
            };
            file.lock().map_err(|error| self.writing(error))?;
            let locked = Opened::new(file).map_err(|error| self.reading(error))?;
            // Whoever held the lock before may have put another file in its place.
            if self.open().is_ok_and(|now| now.stamp() == locked.stamp()) {
                return Ok(Some(locked));
            }
        }
    }

    /// Makes a ring of one key; `None` when there is one by then.
    fn make(&self, algorithm: SigningAlgorithm) -> Result<Option<StoredKey>, KeyRingError> {
        let key = self.fresh(algorithm)?;
        let text = format::write(std::slice::from_ref(&key));
        let placed = place(&self.path, &text).map_err(|error| self.writing(error))?;
        Ok(placed.then_some(key))
    }

    fn fresh(&self, algorithm: SigningAlgorithm) -> Result<StoredKey, KeyRingError> {
        let key = SigningKey::random(algorithm).map_err(KeyRingError::Random)?;
        Ok(StoredKey {
            key: Arc::new(key),
            created_at: self.clock.now(),
            retired_at: None,
        })
    }

    fn reading(&self, error: io::Error) -> KeyRingError {
        KeyRingError::Reading(self.path.clone(), error)
    }

    fn writing(&self, error: io::Error) -> KeyRingError {
        KeyRingError::Writing(self.path.clone(), error)
    }
}

impl fmt::Debug for KeyRingFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("KeyRingFile").field(&self.path).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::HashSet, thread};

    use tempfile::TempDir;

    use super::*;
    use crate::keys::testing::{SetClock, at};

    const HOUR: Duration = Duration::from_hours(1);

    struct Place {
        folder: TempDir,
        clock: SetClock,
        file: KeyRingFile,
    }

    impl Place {
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
    fn a_ring_is_made_once() {
        let place = Place::new();
        assert!(matches!(place.file.keys(), Err(KeyRingError::Missing(_))));
        place.file.make_if_missing().unwrap();
        let first = ids(&place.file.keys().unwrap());
        assert_eq!(first.len(), 1);
        place.file.make_if_missing().unwrap();
        assert_eq!(ids(&place.file.keys().unwrap()), first);
        assert_eq!(place.files(), ["keys"]);
        #[cfg(unix)]
        assert_only_its_owner_can_read(place.file.path());
    }

    #[test]
    fn programs_that_start_together_have_the_same_ring() {
        let place = Place::new();
        let rings: HashSet<Vec<String>> = thread::scope(|scope| {
            let starts: Vec<_> = (0..8)
                .map(|_| {
                    scope.spawn(|| {
                        place.file.make_if_missing().unwrap();
                        ids(&place.file.keys().unwrap())
                    })
                })
                .collect();
            starts.into_iter().map(|it| it.join().unwrap()).collect()
        });
        assert_eq!(rings.len(), 1);
        assert_eq!(place.files(), ["keys"]);
    }

    #[test]
    fn a_revocation_drops_every_key_but_a_new_one() {
        let place = Place::new();
        let first = place.file.rotate(None, HOUR).unwrap();
        let second = place.file.rotate(None, HOUR).unwrap();
        let third = place.file.revoke_others(None).unwrap();
        assert_eq!(third.keys.len(), 1);
        assert_eq!(
            ids(&third.dropped),
            [ids(&second.keys)[0].clone(), ids(&first.keys)[0].clone()]
        );
        assert_eq!(ids(&place.file.keys().unwrap()), ids(&third.keys));
    }

    #[test]
    fn a_rotation_keeps_old_keys_for_as_long_as_their_tokens_live() {
        let place = Place::new();
        let first = place.file.rotate(None, HOUR).unwrap();
        place.clock.set(at(100));
        let second = place.file.rotate(None, HOUR).unwrap();
        assert_eq!(second.keys[1].retired_at, Some(at(100)));
        assert_eq!(ids(&second.keys)[1..], ids(&first.keys));
        assert_ne!(ids(&second.keys)[0], ids(&first.keys)[0]);
        assert_eq!(ids(&place.file.keys().unwrap()), ids(&second.keys));

        // An hour, and ten minutes for those who notice late.
        let until = second.keys[1].verifies_until(HOUR).unwrap();
        assert_eq!(until, at(100 + 70 * 60));
        place.clock.set(at(100 + 70 * 60 - 1));
        let third = place.file.rotate(None, HOUR).unwrap();
        assert_eq!((third.keys.len(), third.dropped.len()), (3, 0));
        assert_eq!(third.keys[2].retired_at, Some(at(100)), "it stays");
        place.clock.set(until);
        let fourth = place.file.rotate(None, HOUR).unwrap();
        assert_eq!(ids(&fourth.dropped), ids(&first.keys));
        assert_eq!(fourth.keys.len(), 3);
        assert_eq!(place.files(), ["keys"]);
        #[cfg(unix)]
        assert_only_its_owner_can_read(place.file.path());
    }

    #[test]
    fn the_algorithm_stays_until_another_is_asked_for() {
        use SigningAlgorithm::{EdDsa, Hs256};
        let place = Place::new();
        for (asked, given) in [
            (None, Hs256),
            (Some(EdDsa), EdDsa),
            (None, EdDsa),
            (Some(Hs256), Hs256),
        ] {
            let keys = place.file.rotate(asked, HOUR).unwrap().keys;
            assert_eq!(keys[0].key.algorithm(), given);
        }
    }

    #[test]
    fn the_secret_of_an_earlier_version_is_taken_over() {
        let place = Place::new();
        fs::write(place.file.path(), [7; 64]).unwrap();
        place.file.make_if_missing().unwrap();
        assert_eq!(fs::read(place.file.path()).unwrap(), [7; 64], "left alone");
        let before = ids(&place.file.keys().unwrap());
        let after = place.file.rotate(None, HOUR).unwrap().keys;
        assert_eq!(ids(&after)[1..], before);
        #[cfg(unix)]
        assert_only_its_owner_can_read(place.file.path());
    }

    #[test]
    fn no_rotation_is_lost_and_no_reader_sees_half_a_ring() {
        const THREADS: usize = 4;
        const ROTATIONS: usize = 10;
        let place = Place::new();
        thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    for _ in 0..ROTATIONS {
                        place.file.rotate(None, HOUR).unwrap();
                        place.file.keys().unwrap();
                    }
                });
            }
        });
        let keys = place.file.keys().unwrap();
        assert_eq!(keys.len(), THREADS * ROTATIONS);
        assert_eq!(place.files(), ["keys"]);
    }

    #[test]
    fn a_broken_file_is_refused_and_left_as_it_is() {
        let place = Place::new();
        let large = vec![b' '; usize::try_from(MAX_LENGTH).unwrap() + 1];
        for broken in [&b""[..], b"{", b"short", br#"{"keys": []}"#, &large] {
            fs::write(place.file.path(), broken).unwrap();
            assert!(place.file.make_if_missing().is_ok(), "there is one");
            for error in [
                place.file.keys().unwrap_err(),
                place.file.rotate(None, HOUR).unwrap_err(),
            ] {
                assert!(matches!(error, KeyRingError::Invalid(..)), "{error}");
            }
            assert_eq!(fs::read(place.file.path()).unwrap(), broken);
        }
        assert_eq!(place.files(), ["keys"]);
    }

    #[test]
    fn a_file_that_cannot_be_made_is_named() {
        let clock = SetClock::new(at(0)).shared();
        let file = KeyRingFile::new("/nowhere/at/all/keys".into(), clock);
        let error = file.rotate(None, HOUR).unwrap_err();
        assert!(matches!(error, KeyRingError::Writing(..)), "{error}");
        assert!(error.to_string().contains("/nowhere/at/all/keys"));
    }

    #[cfg(unix)]
    #[test]
    fn the_file_stays_its_owners_whoever_rotates() {
        use std::os::unix::fs::{MetadataExt, chown};
        let place = Place::new();
        place.file.make_if_missing().unwrap();
        let owner = || {
            let metadata = fs::metadata(place.file.path()).unwrap();
            (metadata.uid(), metadata.gid())
        };
        // Only root may give a file away.
        let given = chown(place.file.path(), Some(10_001), Some(10_002)).is_ok();
        let before = owner();
        place.file.rotate(None, HOUR).unwrap();
        assert_eq!(owner(), before);
        assert!(!given || before == (10_001, 10_002));
        assert_only_its_owner_can_read(place.file.path());
    }

    #[cfg(unix)]
    #[test]
    fn what_a_link_links_to_is_replaced_and_not_the_link() {
        let place = Place::new();
        place.file.make_if_missing().unwrap();
        let link = place.folder.path().join("link");
        std::os::unix::fs::symlink(place.file.path(), &link).unwrap();
        let linked = KeyRingFile::new(link.clone(), place.clock.shared());
        let keys = linked.rotate(None, HOUR).unwrap().keys;
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(ids(&place.file.keys().unwrap()), ids(&keys));
    }
}
