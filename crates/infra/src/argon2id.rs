//! Password hashes by Argon2id (RFC 9106), in the PHC string format.

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{Error, PasswordHasher as _, PasswordVerifier as _, phc},
};
use todo_domain::{
    Password, PasswordAttempt, PasswordHash,
    ports::{HashError, PasswordHasher},
};

/// What one hash costs.
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

/// The parameters lie outside what Argon2 (RFC 9106, 3.1) allows.
#[derive(Debug, thiserror::Error)]
#[error("Argon2 does not allow these parameters")]
pub struct InvalidArgon2idParams(#[source] argon2::Error);

/// Hashes passwords by Argon2id.
#[derive(Debug)]
pub struct Argon2id(Argon2<'static>);

impl Argon2id {
    /// A hasher that makes hashes of this cost. It verifies hashes of any cost.
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
            .map_err(InvalidArgon2idParams)?;
        Ok(Self(Argon2::new(
            Algorithm::Argon2id,
            Version::V0x13,
            params,
        )))
    }

    fn hash_text(&self, text: &str) -> Result<String, HashError> {
        match self.0.hash_password(text.as_bytes()) {
            Ok(hash) => Ok(hash.to_string()),
            Err(error) => Err(HashError(error.into())),
        }
    }
}

impl PasswordHasher for Argon2id {
    fn hash(&self, password: &Password) -> Result<PasswordHash, HashError> {
        self.hash_text(password.expose()).map(PasswordHash::new)
    }

    fn verify(&self, attempt: &PasswordAttempt, hash: &PasswordHash) -> Result<bool, HashError> {
        let Some(hash) = readable(hash) else {
            self.verify_nothing(attempt)?;
            return Ok(false);
        };
        match self.0.verify_password(attempt.expose().as_bytes(), &hash) {
            Ok(()) => Ok(true),
            Err(Error::PasswordInvalid) => Ok(false),
            Err(error) => Err(HashError(error.into())),
        }
    }

    fn verify_nothing(&self, attempt: &PasswordAttempt) -> Result<(), HashError> {
        self.hash_text(attempt.expose()).map(drop)
    }
}

/// The parts of a hash that Argon2 made; `None` for anything else.
fn readable(hash: &PasswordHash) -> Option<phc::PasswordHash> {
    let hash = phc::PasswordHash::new(hash.expose()).ok()?;
    Algorithm::try_from(hash.algorithm.as_str()).ok()?;
    Params::try_from(&hash).ok()?;
    (hash.salt.is_some() && hash.hash.is_some()).then_some(hash)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    /// The cheapest cost that Argon2 allows.
    const CHEAP: Argon2idParams = Argon2idParams {
        memory_kib: 8,
        iterations: 1,
        parallelism: 1,
    };

    fn attempt(text: &str) -> PasswordAttempt {
        PasswordAttempt::new(text).unwrap()
    }

    #[test]
    fn a_password_is_verified_against_its_hash_and_no_other_is() {
        let hasher = Argon2id::new(CHEAP).unwrap();
        let hash = hasher
            .hash(&Password::new("correct horse").unwrap())
            .unwrap();
        assert!(hasher.verify(&attempt("correct horse"), &hash).unwrap());
        assert!(!hasher.verify(&attempt("Correct horse"), &hash).unwrap());
        assert!(!hasher.verify(&attempt("correct horse "), &hash).unwrap());
    }

    #[test]
    fn each_hash_has_a_salt_of_its_own_and_says_its_cost() {
        let hasher = Argon2id::new(CHEAP).unwrap();
        let password = Password::new("correct horse").unwrap();
        let first = hasher.hash(&password).unwrap();
        assert_ne!(first, hasher.hash(&password).unwrap());
        assert!(first.expose().starts_with("$argon2id$v=19$m=8,t=1,p=1$"));
    }

    #[test]
    fn a_hash_of_another_cost_is_verified() {
        let hash = Argon2id::new(Argon2idParams {
            iterations: 2,
            ..CHEAP
        })
        .unwrap()
        .hash(&Password::new("correct horse").unwrap())
        .unwrap();
        let hasher = Argon2id::new(CHEAP).unwrap();
        assert!(hasher.verify(&attempt("correct horse"), &hash).unwrap());
    }

    #[test]
    fn a_hash_of_the_reference_program_is_verified() {
        // printf 'correct horse' | argon2 somesalt123 -id -t 2 -k 1024 -p 1 -e
        let hash = "$argon2id$v=19$m=1024,t=2,p=1$c29tZXNhbHQxMjM$e4SKnVjYVP4RN3nfjX+AW5f73P+ZGDXoIp9nOcEa+f0";
        let hash = PasswordHash::new(hash.to_owned());
        let hasher = Argon2id::new(CHEAP).unwrap();
        assert!(hasher.verify(&attempt("correct horse"), &hash).unwrap());
        assert!(!hasher.verify(&attempt("wrong horse"), &hash).unwrap());
    }

    #[rstest]
    #[case::empty("")]
    #[case::no_hash("correct horse")]
    #[case::another_algorithm("$scrypt$ln=1,r=8,p=1$c29tZXNhbHQ$aGFzaA")]
    #[case::without_the_hash("$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQxMjM")]
    #[case::absurd_parameters("$argon2id$v=19$m=1,t=0,p=1$c29tZXNhbHQxMjM$aGFzaGhhc2g")]
    fn a_hash_that_cannot_be_read_is_of_no_password(#[case] hash: &str) {
        let hasher = Argon2id::new(CHEAP).unwrap();
        let hash = PasswordHash::new(hash.to_owned());
        assert!(!hasher.verify(&attempt("correct horse"), &hash).unwrap());
    }

    #[test]
    fn parameters_that_argon2_does_not_allow_are_refused() {
        assert!(
            Argon2id::new(Argon2idParams {
                memory_kib: 7,
                ..CHEAP
            })
            .is_err()
        );
        assert!(
            Argon2id::new(Argon2idParams {
                iterations: 0,
                ..CHEAP
            })
            .is_err()
        );
    }
}
