//! Argon2 that keeps its memory from one hash to the next.
//!
//! The system hands memory out page by page when it is first touched, which may take as long as the hash itself. And an
//! allocator that gets so large a piece back among small ones in use often finds no room in it again, and takes more.

use std::sync::{Mutex, PoisonError};

use argon2::{
    Algorithm, Argon2, Block, Params, Version,
    password_hash::{
        self, CustomizedPasswordHasher, Error, PasswordHasher,
        phc::{Output, ParamsString, PasswordHash, Salt},
    },
};

/// Argon2id at one cost, and whatever a hash says for verifying it.
#[derive(Debug)]
pub(crate) struct KeptArgon2 {
    params: Params,
    /// What no hash is using, each as large as those of this cost need. It is as many as were ever computed at the same
    /// time.
    spare: Mutex<Vec<Vec<Block>>>,
}

impl KeptArgon2 {
    pub(crate) fn new(params: Params) -> Self {
        Self {
            params,
            spare: Mutex::default(),
        }
    }

    /// What a hash costs that is made here.
    pub(crate) fn params(&self) -> &Params {
        &self.params
    }

    fn hash_into(
        &self,
        argon2: &Argon2<'_>,
        password: &[u8],
        salt: &[u8],
        out: &mut [u8],
    ) -> argon2::Result<()> {
        let count = argon2.params().block_count();
        if count != self.params.block_count() {
            return argon2.hash_password_into(password, salt, out);
        }
        let spare = self.take();
        let mut blocks = spare.unwrap_or_else(|| vec![Block::default(); count]);
        let hashed = argon2.hash_password_into_with_memory(password, salt, out, &mut blocks);
        self.keep(blocks);
        hashed
    }

    fn take(&self) -> Option<Vec<Block>> {
        let mut spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        spare.pop()
    }

    fn keep(&self, blocks: Vec<Block>) {
        let mut spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        spare.push(blocks);
    }

    /// As the crate itself does it, with memory of ours.
    fn hash_by(
        &self,
        algorithm: Algorithm,
        version: Version,
        params: Params,
        password: &[u8],
        salt: &[u8],
    ) -> password_hash::Result<PasswordHash> {
        let salt = Salt::new(salt)?;
        let length = params.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN);
        let mut buffer = [0; Output::MAX_LENGTH];
        let out = buffer.get_mut(..length).ok_or(Error::OutputSize)?;
        let argon2 = Argon2::new(algorithm, version, params);
        self.hash_into(&argon2, password, &salt, out)?;
        Ok(PasswordHash {
            algorithm: algorithm.ident(),
            version: Some(version.into()),
            params: ParamsString::try_from(argon2.params())?,
            salt: Some(salt),
            hash: Some(Output::new(out)?),
        })
    }
}

impl PasswordHasher<PasswordHash> for KeptArgon2 {
    fn hash_password_with_salt(
        &self,
        password: &[u8],
        salt: &[u8],
    ) -> password_hash::Result<PasswordHash> {
        let params = self.params.clone();
        self.hash_by(Algorithm::Argon2id, Version::V0x13, params, password, salt)
    }
}

/// By this, the crate verifies.
impl CustomizedPasswordHasher<PasswordHash> for KeptArgon2 {
    type Params = Params;

    fn hash_password_customized(
        &self,
        password: &[u8],
        salt: &[u8],
        algorithm: Option<&str>,
        version: Option<u32>,
        params: Params,
    ) -> password_hash::Result<PasswordHash> {
        let algorithm = algorithm.map(Algorithm::try_from).transpose()?;
        let version = version.map(Version::try_from).transpose()?;
        self.hash_by(
            algorithm.unwrap_or_default(),
            version.unwrap_or_default(),
            params,
            password,
            salt,
        )
    }
}

#[cfg(test)]
mod tests {
    use argon2::password_hash::PasswordVerifier as _;

    use super::*;

    fn spare(argon2: &KeptArgon2) -> Vec<usize> {
        let spare = argon2.spare.lock().unwrap();
        spare.iter().map(Vec::len).collect()
    }

    #[test]
    fn memory_is_kept_from_one_hash_to_the_next() {
        let argon2 = KeptArgon2::new(Params::new(32, 1, 1, None).unwrap());
        assert_eq!(spare(&argon2), [0; 0]);
        for password in [b"correct horse", b"another horse"] {
            let hash = argon2.hash_password(password).unwrap();
            assert_eq!(argon2.verify_password(password, &hash), Ok(()));
            let wrong = argon2.verify_password(b"wrong horse", &hash);
            assert_eq!(wrong, Err(Error::PasswordInvalid));
            assert_eq!(spare(&argon2), [32]);
        }
    }

    #[test]
    fn what_was_hashed_before_leaves_no_trace() {
        let used = KeptArgon2::new(Params::new(32, 2, 1, None).unwrap());
        used.hash_password(b"correct horse").unwrap();
        let hash = |argon2: &KeptArgon2| {
            argon2.hash_password_with_salt(b"another horse", b"salt of 16 bytes")
        };
        let unused = KeptArgon2::new(used.params().clone());
        assert_eq!(hash(&used), hash(&unused));
        let by_the_crate = Argon2::new(Algorithm::Argon2id, Version::V0x13, used.params().clone());
        let expected = by_the_crate.hash_password_with_salt(b"another horse", b"salt of 16 bytes");
        assert_eq!(hash(&used), expected);
    }

    #[test]
    fn memory_of_another_size_is_not_kept() {
        let [today, costlier] =
            [32, 64].map(|memory| KeptArgon2::new(Params::new(memory, 1, 1, None).unwrap()));
        let hash = costlier.hash_password(b"correct horse").unwrap();
        assert_eq!(today.verify_password(b"correct horse", &hash), Ok(()));
        assert_eq!(spare(&today), [0; 0]);
    }
}
