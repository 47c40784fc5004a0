//! Password hashes of every kind that accounts have: which kind it is says the beginning of the hash.
//!
//! Argon2id makes those of today. Those of bcrypt are verified as they always were, and are outdated.
//!
//! bcrypt looks at the first 72 bytes of a password only, and many a user has been let in with whatever came after
//! them: a slip of the finger, or what another device cut off. Were one of these variants hashed as it was typed at the
//! one login that renews the hash, the others would be wrong from then on, the one that was chosen perhaps among them.
//! So what becomes of a bcrypt hash whose password reaches that limit is a hash by Argon2id of the first 72 bytes,
//! which begins with `$argon2id-72$`, and is verified with as much of what is typed. No one is locked out, and what
//! protects the account is what protected it before: 72 bytes.

use todo_domain::{
    Password, PasswordAttempt, PasswordHash,
    ports::{HashError, PasswordHasher, Verification},
};

use crate::{Argon2id, bcrypt};

const ARGON2ID: &str = "$argon2id$";
/// How a hash by Argon2id of the first 72 bytes begins, which other programs are to stumble over.
const ARGON2ID_OF_72_BYTES: &str = "$argon2id-72$";

/// Hashes passwords by Argon2id, and verifies hashes by bcrypt as well.
#[derive(Debug)]
pub struct Passwords {
    argon2id: Argon2id,
}

impl Passwords {
    /// Passwords whose hashes `argon2id` makes.
    #[must_use]
    pub fn new(argon2id: Argon2id) -> Self {
        Self { argon2id }
    }

    /// `None` when the hash cannot be read.
    fn verify_readable(
        &self,
        attempt: &[u8],
        hash: &str,
    ) -> Result<Option<Verification>, HashError> {
        if bcrypt::made(hash) {
            let right = bcrypt::verify(attempt, hash);
            Ok(right.map(|right| {
                if right {
                    Verification::RightButOutdated
                } else {
                    Verification::Wrong
                }
            }))
        } else if let Some(rest) = hash.strip_prefix(ARGON2ID_OF_72_BYTES) {
            let hash = format!("{ARGON2ID}{rest}");
            self.argon2id.verify(first_72_bytes(attempt), &hash)
        } else {
            self.argon2id.verify(attempt, hash)
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
        if let Some(verification) =
            self.verify_readable(attempt.expose().as_bytes(), hash.expose())?
        {
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
        let (attempt, outdated) = (attempt.expose().as_bytes(), outdated.expose());
        // Below the limit bcrypt knows where a password ends, so what was typed is what was chosen.
        let reaches_limit = bcrypt::made(outdated) && attempt.len() >= bcrypt::BYTES;
        if !reaches_limit && !outdated.starts_with(ARGON2ID_OF_72_BYTES) {
            return self.argon2id.hash(attempt).map(PasswordHash::new);
        }
        let hash = self.argon2id.hash(first_72_bytes(attempt))?;
        let hash = hash.replacen(ARGON2ID, ARGON2ID_OF_72_BYTES, 1);
        Ok(PasswordHash::new(hash))
    }

    fn verify_nothing(&self, attempt: &PasswordAttempt) -> Result<(), HashError> {
        self.argon2id.hash(attempt.expose().as_bytes()).map(drop)
    }
}

fn first_72_bytes(attempt: &[u8]) -> &[u8] {
    attempt.get(..bcrypt::BYTES).unwrap_or(attempt)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use todo_domain::ports::Verification::{Right, RightButOutdated, Wrong};

    use super::*;
    use crate::Argon2idParams;

    const BCRYPT: &str = "$2b$04$jcVRARCa9Q3CVlFrNfOB9umqTRI9y09Rf1MpShYvsA/ebmDkUDC6e";
    const BCRYPT_OF_5_BYTES: &str = "$2b$04$XnZQaQEjk9tcUk8fF7sL4OIhlDWfsHblKelXwrp4AHCK/lBI/YOUS";
    const BCRYPT_OF_71_BYTES: &str = "$2b$04$VDWWoTjUpvM3dw90B7Hpl.gaTxraDx1K9FMlDVFXF4N67rRavigRK";
    const BCRYPT_OF_72_BYTES: &str = "$2b$04$vYLTWhUA729uQRkwaUQWLu.ZFoaKZh52vzOiINeLQrOiyil3ISg16";

    fn costing(memory_kib: u32) -> Passwords {
        let params = Argon2idParams {
            memory_kib,
            iterations: 1,
            parallelism: 1,
        };
        Passwords::new(Argon2id::new(params).unwrap())
    }

    fn attempt(text: &str) -> PasswordAttempt {
        PasswordAttempt::new(text).unwrap()
    }

    fn stored(hash: &str) -> PasswordHash {
        PasswordHash::new(hash.to_owned())
    }

    fn verify(passwords: &Passwords, text: &str, hash: &PasswordHash) -> Verification {
        passwords.verify(&attempt(text), hash).unwrap()
    }

    /// What `text`, for which `hash` is right but outdated, becomes.
    fn renewed(passwords: &Passwords, text: &str, hash: &PasswordHash) -> PasswordHash {
        assert_eq!(verify(passwords, text, hash), RightButOutdated);
        passwords.renew(&attempt(text), hash).unwrap()
    }

    #[test]
    fn a_new_password_is_hashed_as_of_today() {
        let hash = costing(8).hash(&Password::new("correct horse").unwrap());
        let hash = hash.unwrap();
        assert!(hash.expose().starts_with("$argon2id$"));
        assert_eq!(verify(&costing(8), "correct horse", &hash), Right);
        assert_eq!(verify(&costing(8), "wrong horse", &hash), Wrong);
    }

    #[rstest]
    #[case::by_bcrypt("correct horse", stored(BCRYPT))]
    #[case::by_bcrypt_shorter_than_may_be_chosen("short", stored(BCRYPT_OF_5_BYTES))]
    #[case::by_bcrypt_just_below_the_limit(&"x".repeat(71), stored(BCRYPT_OF_71_BYTES))]
    #[case::at_less_cost(
        "correct horse",
        costing(8).hash(&Password::new("correct horse").unwrap()).unwrap()
    )]
    fn an_outdated_hash_becomes_one_of_today(#[case] text: &str, #[case] outdated: PasswordHash) {
        let today = costing(16);
        let hash = renewed(&today, text, &outdated);
        assert!(hash.expose().starts_with("$argon2id$v=19$m=16,t=1,p=1$"));
        assert_eq!(verify(&today, text, &hash), Right);
        assert_eq!(verify(&today, &format!("{text}x"), &hash), Wrong);
        assert_eq!(verify(&today, "wrong horse", &hash), Wrong);
    }

    /// Every attempt of at least 72 bytes that the hash of 72 was right for, typed at the login that renews it.
    #[rstest]
    #[case::at_the_limit(72)]
    #[case::beyond_the_limit(73)]
    #[case::far_beyond_the_limit(128)]
    fn who_was_let_in_by_the_first_72_bytes_still_is(#[case] typed: usize) {
        let [before, after] = [costing(8), costing(16)];
        let typed = "x".repeat(typed);
        let once = renewed(&before, &typed, &stored(BCRYPT_OF_72_BYTES));
        let again = renewed(&after, &typed, &once);
        for (passwords, hash) in [(before, once), (after, again)] {
            assert!(hash.expose().starts_with("$argon2id-72$v=19$m="));
            for right in [72, 73, 100, 128].map(|length| "x".repeat(length)) {
                assert_eq!(verify(&passwords, &right, &hash), Right);
            }
            let another_tail = "x".repeat(72) + "another tail";
            assert_eq!(verify(&passwords, &another_tail, &hash), Right);
            for wrong in [&"x".repeat(71), &("x".repeat(71) + "y"), "x"] {
                assert_eq!(verify(&passwords, wrong, &hash), Wrong);
            }
        }
    }

    #[test]
    fn a_limit_within_a_character_is_one_too() {
        let password = "pässwörd-€-".repeat(8);
        let hash = stored("$2b$04$gE0qIKRrFmBCJH9zwG5A9.Iyy59NorOO74daCqbc.wibRbwwC7QDW");
        let hash = renewed(&costing(8), &password, &hash);
        assert_eq!(verify(&costing(8), &password, &hash), Right);
    }

    #[test]
    fn only_bcrypt_has_the_limit() {
        let password = "x".repeat(100);
        let hash = costing(8).hash(&Password::new(&password).unwrap()).unwrap();
        let hash = renewed(&costing(16), &password, &hash);
        assert!(hash.expose().starts_with("$argon2id$"));
        assert_eq!(verify(&costing(16), &"x".repeat(99), &hash), Wrong);
        assert_eq!(verify(&costing(16), &password, &hash), Right);
    }

    #[rstest]
    #[case::empty("")]
    #[case::no_hash("correct horse")]
    #[case::another_algorithm("$scrypt$ln=1,r=8,p=1$c29tZXNhbHQ$aGFzaA")]
    #[case::bcrypt_cut_short("$2b$04$jcVRARCa9Q3CVlFrNfOB9u")]
    #[case::bcrypt_of_a_faulty_implementation(
        "$2x$04$jcVRARCa9Q3CVlFrNfOB9umqTRI9y09Rf1MpShYvsA/ebmDkUDC6e"
    )]
    #[case::a_bomb_of_bcrypt("$2b$31$jcVRARCa9Q3CVlFrNfOB9umqTRI9y09Rf1MpShYvsA/ebmDkUDC6e")]
    #[case::a_bomb_of_argon2(
        "$argon2id$v=19$m=4294967295,t=4294967295,p=1$c29tZXNhbHQxMjM$aGFzaGhhc2hoYXNo"
    )]
    #[case::a_bomb_of_72_bytes(
        "$argon2id-72$v=19$m=4294967295,t=1,p=1$c29tZXNhbHQxMjM$aGFzaGhhc2hoYXNo"
    )]
    fn a_hash_that_cannot_be_read_is_of_no_password(#[case] hash: &str) {
        assert_eq!(verify(&costing(8), "correct horse", &stored(hash)), Wrong);
    }
}
