//! Password hashes by Argon2 (RFC 9106) in the PHC string format: new hashes by Argon2id, verification of every variant.

use argon2::{
    Algorithm, Params, Version,
    password_hash::{Error, PasswordHasher as _, PasswordVerifier as _, phc},
};
use todo_domain::ports::{HashError, Verification};

use super::low_priority_argon2::{LowPriorityArgon2, work_kib};

/// The largest memory of a hash, in KiB: the 2 GiB of the first recommendation of RFC 9106 (4).
const MAX_MEMORY_KIB: u32 = 2 * 1024 * 1024;

/// The largest work of a hash, in KiB of all passes together: the four times 1 GiB of libsodium's costliest preset, which take
/// some two seconds.
const MAX_WORK_KIB: u64 = 4 * 1024 * 1024;

/// The largest number of lanes, more than the cores of a machine that hashes passwords.
const MAX_PARALLELISM: u32 = 128;

/// The cost of a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Argon2idParams {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub iterations: u32,
    /// Lanes, which are computed one after the other here.
    pub parallelism: u32,
}

impl Default for Argon2idParams {
    /// The minimum of the OWASP Password Storage Cheat Sheet: 19 MiB, two passes, one lane.
    fn default() -> Self {
        Self {
            memory_kib: 19_456,
            iterations: 2,
            parallelism: 1,
        }
    }
}

/// Why parameters are refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidArgon2idParams {
    /// Argon2 (RFC 9106, 3.1) does not allow them.
    #[error("Argon2 does not allow these parameters")]
    NotAllowed(#[source] argon2::Error),
    /// A hash with them would exceed the limits above which hashes are not verified.
    #[error(
        "must ask for at most {MAX_MEMORY_KIB} KiB, {MAX_WORK_KIB} KiB in all passes together, \
         and {MAX_PARALLELISM} lanes"
    )]
    TooCostly,
}

/// Makes hashes of one cost by Argon2id, and verifies hashes of any cost within the limits.
#[derive(Debug)]
pub struct Argon2id(LowPriorityArgon2);

impl Argon2id {
    /// Makes hashes at this cost.
    ///
    /// # Errors
    /// [`InvalidArgon2idParams`].
    pub fn new(params: Argon2idParams) -> Result<Self, InvalidArgon2idParams> {
        let Argon2idParams {
            memory_kib,
            iterations,
            parallelism,
        } = params;
        let params = Params::new(memory_kib, iterations, parallelism, None)
            .map_err(InvalidArgon2idParams::NotAllowed)?;
        if is_too_costly(&params) {
            return Err(InvalidArgon2idParams::TooCostly);
        }
        Ok(Self(LowPriorityArgon2::new(params)))
    }

    /// Hashes a password with a random salt.
    pub(crate) fn hash(&self, password: &[u8]) -> Result<String, HashError> {
        match self.0.hash_password(password) {
            Ok(hash) => Ok(hash.to_string()),
            Err(error) => Err(HashError(error.into())),
        }
    }

    /// Compares `attempt` with `hash`; `None`, at once, when this is no hash of Argon2 or exceeds the limits of its cost.
    pub(crate) fn verify(
        &self,
        attempt: &[u8],
        hash: &str,
    ) -> Result<Option<Verification>, HashError> {
        let Some(hash) = Readable::new(hash) else {
            return Ok(None);
        };
        match self.0.verify_password(attempt, &hash.parts) {
            Ok(()) if self.is_stronger_than(&hash) => Ok(Some(Verification::RightButOutdated)),
            Ok(()) => Ok(Some(Verification::Right)),
            Err(Error::PasswordInvalid) => Ok(Some(Verification::Wrong)),
            Err(error) => Err(HashError(error.into())),
        }
    }

    /// Whether a new hash protects a password better than `hash`. A costlier hash is kept, so that two instances with
    /// different configurations don't undo each other's work.
    fn is_stronger_than(&self, hash: &Readable) -> bool {
        hash.algorithm != Algorithm::Argon2id
            || hash.version != Version::V0x13
            || work_kib(&hash.params) < work_kib(self.0.params())
    }
}

/// A parsed hash of Argon2 whose cost is within the limits.
struct Readable {
    parts: phc::PasswordHash,
    algorithm: Algorithm,
    version: Version,
    params: Params,
}

impl Readable {
    fn new(hash: &str) -> Option<Self> {
        let mut parts = phc::PasswordHash::new(hash).ok()?;
        // Hashes of the first version don't name it.
        let version = *parts.version.get_or_insert(Version::V0x10.into());
        let readable = Self {
            algorithm: Algorithm::try_from(parts.algorithm.as_str()).ok()?,
            version: Version::try_from(version).ok()?,
            params: Params::try_from(&parts).ok()?,
            parts,
        };
        let complete = readable.parts.salt.is_some() && readable.parts.hash.is_some();
        (complete && !is_too_costly(&readable.params)).then_some(readable)
    }
}

/// The memory, in KiB, that verifying a hash of Argon2 takes; `None` for any other text.
#[must_use]
pub fn argon2_memory_kib(hash: &str) -> Option<u32> {
    let parts = phc::PasswordHash::new(hash).ok()?;
    Algorithm::try_from(parts.algorithm.as_str()).ok()?;
    Params::try_from(&parts).ok().map(|params| params.m_cost())
}

/// Whether the cost exceeds the limits: such a hash is a mistake or an attack.
fn is_too_costly(params: &Params) -> bool {
    params.m_cost() > MAX_MEMORY_KIB
        || work_kib(params) > MAX_WORK_KIB
        || params.p_cost() > MAX_PARALLELISM
}

#[cfg(test)]
mod tests;
