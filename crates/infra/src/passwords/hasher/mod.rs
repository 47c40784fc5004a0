//! Verification of password hashes of every format that accounts have; the prefix of a hash tells its format.
//!
//! New hashes are made by Argon2id. Hashes by bcrypt are verified, and are outdated.
//!
//! bcrypt reads the first 72 bytes of a password only, so an account accepts any text with the same beginning: a typing
//! error after them, or what another device cut off. If the login that rehashes hashed the whole text, the other variants
//! would be wrong from then on, the chosen password perhaps among them. So a bcrypt hash whose password reaches that limit
//! is replaced by a hash by Argon2id of the first 72 bytes, with the prefix `$argon2id-72$`, and as much of an attempt is
//! verified. No one is locked out, and the account is protected by what protected it before: 72 bytes.
//!
//! A hash by Argon2id is of a password in Normalization Form C, so that every spelling of it is right. bcrypt was given
//! passwords as they were typed, in one spelling, and is given them so again; the first 72 bytes are those of that
//! spelling, also for `$argon2id-72$`. Below the limit, the hash that replaces a bcrypt hash is of the normal form.
//! Hashes by Argon2id of another form exist as well: those of other software, and those of characters that came into
//! Unicode only later. So when the normal form is wrong and differs from what was typed, the typed form is verified too;
//! if that is right, the hash is outdated. Such an attempt takes twice as long, whether or not there is a hash to compare
//! it with.

use todo_domain::{
    Password, PasswordAttempt, PasswordHash,
    ports::{HashError, PasswordHasher, Verification},
};

use super::{Argon2id, bcrypt};

const ARGON2ID: &str = "$argon2id$";
/// The prefix of a hash by Argon2id of the first 72 bytes, which other programs reject.
const ARGON2ID_OF_72_BYTES: &str = "$argon2id-72$";

/// Hashes passwords by Argon2id, and verifies hashes by Argon2 and by bcrypt.
#[derive(Debug)]
pub struct Passwords {
    argon2id: Argon2id,
}

impl Passwords {
    /// Makes new hashes by `argon2id`.
    #[must_use]
    pub fn new(argon2id: Argon2id) -> Self {
        Self { argon2id }
    }

    /// `None` when the hash cannot be read.
    fn verify_readable(
        &self,
        attempt: &PasswordAttempt,
        hash: &str,
    ) -> Result<Option<Verification>, HashError> {
        let typed = attempt.expose_as_typed().as_bytes();
        if bcrypt::is_bcrypt(hash) {
            let right = bcrypt::verify(typed, hash);
            Ok(right.map(|right| {
                if right {
                    Verification::RightButOutdated
                } else {
                    Verification::Wrong
                }
            }))
        } else if let Some(rest) = hash.strip_prefix(ARGON2ID_OF_72_BYTES) {
            let hash = format!("{ARGON2ID}{rest}");
            let first = first_72_bytes(typed);
            let verification = self.argon2id.verify(first, &hash)?;
            if verification == Some(Verification::Wrong) && !is_normalized(attempt) {
                // The same time as with any other hash.
                self.argon2id.verify(first, &hash)?;
            }
            Ok(verification)
        } else {
            let normalized = attempt.expose().as_bytes();
            let verification = self.argon2id.verify(normalized, hash)?;
            if verification != Some(Verification::Wrong) || is_normalized(attempt) {
                return Ok(verification);
            }
            Ok(match self.argon2id.verify(typed, hash)? {
                Some(Verification::Right) => Some(Verification::RightButOutdated),
                verification => verification,
            })
        }
    }
}

impl PasswordHasher for Passwords {
    fn hash(&self, password: &Password) -> Result<PasswordHash, HashError> {
        let hash = self.argon2id.hash(password.expose().as_bytes())?;
        Ok(PasswordHash::new(hash))
    }

    fn verify(
        &self,
        attempt: &PasswordAttempt,
        hash: &PasswordHash,
    ) -> Result<Verification, HashError> {
        if let Some(verification) = self.verify_readable(attempt, hash.expose())? {
            return Ok(verification);
        }
        self.verify_nothing(attempt)?;
        Ok(Verification::Wrong)
    }

    fn renew(
        &self,
        attempt: &PasswordAttempt,
        outdated: &PasswordHash,
    ) -> Result<PasswordHash, HashError> {
        let (typed, outdated) = (attempt.expose_as_typed().as_bytes(), outdated.expose());
        // Below the limit bcrypt knows where a password ends, so what was typed is what was chosen.
        let reaches_limit = bcrypt::is_bcrypt(outdated) && typed.len() >= bcrypt::BYTES;
        if !reaches_limit && !outdated.starts_with(ARGON2ID_OF_72_BYTES) {
            let normalized = attempt.expose().as_bytes();
            return self.argon2id.hash(normalized).map(PasswordHash::new);
        }
        let hash = self.argon2id.hash(first_72_bytes(typed))?;
        let hash = hash.replacen(ARGON2ID, ARGON2ID_OF_72_BYTES, 1);
        Ok(PasswordHash::new(hash))
    }

    fn verify_nothing(&self, attempt: &PasswordAttempt) -> Result<(), HashError> {
        self.argon2id.hash(attempt.expose().as_bytes())?;
        if !is_normalized(attempt) {
            self.argon2id.hash(attempt.expose_as_typed().as_bytes())?;
        }
        Ok(())
    }
}

/// Whether what was typed is in the normal form, so that there is nothing else to try.
fn is_normalized(attempt: &PasswordAttempt) -> bool {
    attempt.expose_as_typed() == attempt.expose()
}

fn first_72_bytes(attempt: &[u8]) -> &[u8] {
    attempt.get(..bcrypt::BYTES).unwrap_or(attempt)
}

#[cfg(test)]
mod tests;
