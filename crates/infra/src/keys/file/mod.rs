//! The key-ring file.

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
    InvalidKeyRing, KeyRingError, SigningAlgorithm, SigningKey, StoredKey,
    atomic_file::{FileFingerprint, create, replace},
    format,
};

/// The largest file that is read, in bytes: thousands of keys.
const MAX_LENGTH: u64 = 1 << 20;

/// A file with a key ring, readable by its owner only.
#[derive(Clone)]
pub struct KeyRingFile {
    path: PathBuf,
    clock: Arc<dyn Clock>,
}

/// The result of a rotation.
#[derive(Debug)]
pub struct Rotation {
    /// The keys of the ring, the signing key first.
    pub keys: Vec<StoredKey>,
    /// The keys that were removed.
    pub dropped: Vec<StoredKey>,
}

/// An open file with its metadata, so that the content and the fingerprint are of the same file.
pub(super) struct OpenFile {
    file: File,
    metadata: Metadata,
}

impl OpenFile {
    fn new(file: File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        Ok(Self { file, metadata })
    }

    pub(super) fn fingerprint(&self) -> FileFingerprint {
        FileFingerprint::from_metadata(&self.metadata)
    }
}

impl KeyRingFile {
    /// The file at `path`, which need not exist.
    #[must_use]
    pub fn new(path: PathBuf, clock: Arc<dyn Clock>) -> Self {
        Self { path, clock }
    }

    /// The path of the file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The keys, the signing key first.
    ///
    /// # Errors
    /// [`KeyRingError`].
    pub fn keys(&self) -> Result<Vec<StoredKey>, KeyRingError> {
        self.read(&mut self.open()?)
    }

    /// Creates a ring of one HS256 key if the file does not exist. Programs that start together create one ring.
    ///
    /// # Errors
    /// [`KeyRingError`].
    pub fn make_if_missing(&self) -> Result<(), KeyRingError> {
        match self.open() {
            Ok(_) => Ok(()),
            Err(KeyRingError::Missing(_)) => self.create(SigningAlgorithm::Hs256).map(drop),
            Err(error) => Err(error),
        }
    }

    /// Adds a new signing key, keeps the others to verify, and drops those whose tokens have all expired; tokens live no longer
    /// than `longest_token_lifetime`. If the file does not exist, it is created.
    ///
    /// The new key is for `algorithm`, or else for that of the previous signing key. The file is replaced atomically;
    /// concurrent rotations happen one after another.
    ///
    /// # Errors
    /// [`KeyRingError`].
    pub fn rotate(
        &self,
        algorithm: Option<SigningAlgorithm>,
        longest_token_lifetime: Duration,
    ) -> Result<Rotation, KeyRingError> {
        self.replace_current(algorithm, |key, now| {
            key.is_expired(longest_token_lifetime, now)
        })
    }

    /// Adds a new signing key as [`Self::rotate`] does, and drops all others; their tokens become invalid.
    ///
    /// # Errors
    /// [`KeyRingError`].
    pub fn revoke_others(
        &self,
        algorithm: Option<SigningAlgorithm>,
    ) -> Result<Rotation, KeyRingError> {
        self.replace_current(algorithm, |_, _| true)
    }

    /// Adds a new signing key, and drops the others that `is_dropped` selects.
    fn replace_current(
        &self,
        algorithm: Option<SigningAlgorithm>,
        is_dropped: impl Fn(&StoredKey, Timestamp) -> bool,
    ) -> Result<Rotation, KeyRingError> {
        loop {
            let Some(mut locked) = self.lock()? else {
                let algorithm = algorithm.unwrap_or(SigningAlgorithm::Hs256);
                if let Some(key) = self.create(algorithm)? {
                    return Ok(Rotation {
                        keys: vec![key],
                        dropped: Vec::new(),
                    });
                }
                // Another program has created one meanwhile, which is rotated.
                continue;
            };
            let mut keys = self.read(&mut locked)?;
            let current = keys.first().map(|current| current.key.algorithm());
            let algorithm = algorithm.or(current).unwrap_or(SigningAlgorithm::Hs256);
            let new_key = self.new_key(algorithm)?;
            for stored in &mut keys {
                stored.retired_at.get_or_insert(new_key.created_at);
            }
            let now = new_key.created_at;
            let (dropped, kept) = keys
                .into_iter()
                .partition(|stored: &StoredKey| is_dropped(stored, now));
            let keys: Vec<StoredKey> = [vec![new_key], kept].concat();
            // Of a symbolic link, the target is replaced.
            fs::canonicalize(&self.path)
                .and_then(|path| replace(&path, &format::write(&keys), &locked.metadata))
                .map_err(|error| self.writing(error))?;
            return Ok(Rotation { keys, dropped });
        }
    }

    pub(super) fn open(&self) -> Result<OpenFile, KeyRingError> {
        File::open(&self.path)
            .and_then(OpenFile::new)
            .map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => KeyRingError::Missing(self.path.clone()),
                _ => self.reading(error),
            })
    }

    pub(super) fn read(&self, opened: &mut OpenFile) -> Result<Vec<StoredKey>, KeyRingError> {
        let mut bytes = Zeroizing::new(Vec::new());
        (&opened.file)
            .take(MAX_LENGTH + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| self.reading(error))?;
        if bytes.len() as u64 > MAX_LENGTH {
            return Err(self.invalid(InvalidKeyRing::TooLarge { max: MAX_LENGTH }));
        }
        let modified_at = opened
            .metadata
            .modified()
            .ok()
            .and_then(|time| jiff::Timestamp::try_from(time).ok())
            .map_or_else(|| self.clock.now(), Timestamp::truncate);
        format::parse(&bytes, modified_at).map_err(|error| self.invalid(error))
    }

    pub(super) fn invalid(&self, error: InvalidKeyRing) -> KeyRingError {
        KeyRingError::Invalid(self.path.clone(), error)
    }

    /// Opens the file with an exclusive lock, which is held until it is closed; `None` if it does not exist.
    fn lock(&self) -> Result<Option<OpenFile>, KeyRingError> {
        loop {
            let file = match File::options().read(true).write(true).open(&self.path) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(self.writing(error)),
            };
            file.lock().map_err(|error| self.writing(error))?;
            let locked = OpenFile::new(file).map_err(|error| self.reading(error))?;
            // The previous holder of the lock may have replaced the file.
            if self
                .open()
                .is_ok_and(|now| now.fingerprint() == locked.fingerprint())
            {
                return Ok(Some(locked));
            }
        }
    }

    /// Creates a ring of one key; `None` if the file exists by then.
    fn create(&self, algorithm: SigningAlgorithm) -> Result<Option<StoredKey>, KeyRingError> {
        let key = self.new_key(algorithm)?;
        let text = format::write(std::slice::from_ref(&key));
        let created = create(&self.path, &text).map_err(|error| self.writing(error))?;
        Ok(created.then_some(key))
    }

    fn new_key(&self, algorithm: SigningAlgorithm) -> Result<StoredKey, KeyRingError> {
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
mod tests;
