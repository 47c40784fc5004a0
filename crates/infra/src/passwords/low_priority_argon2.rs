//! Argon2 on threads that give way to everything else, each with memory of its own.
//!
//! A hash takes a processor for as long as hundreds of other requests. Who logs in hardly notices when it takes a little
//! longer; the others do notice when they have to wait for it. So it is computed with the lowest priority. Where that
//! takes too long, since there is always something else, it is computed like anything else, so that nobody is kept from
//! logging in.
//!
//! The memory is kept from one hash to the next. The system hands memory out page by page when it is first touched, which
//! may take as long as the hash itself. And an allocator that gets so large a piece back among small ones in use often
//! finds no room in it again, and takes more.

use std::{
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use argon2::{
    Algorithm, Argon2, Block, Params, Version,
    password_hash::{
        self, CustomizedPasswordHasher, Error, PasswordHasher,
        phc::{Output, ParamsString, PasswordHash, Salt},
    },
};
use tracing::warn;
use zeroize::Zeroizing;

use super::low_priority_thread::{Late, NiceThread};

/// Up to so many KiB, all passes together, a hash takes less than a millisecond, and is computed on the spot.
const SMALL_KIB: u64 = 1_024;

/// Argon2id at one cost, and whatever a hash says for verifying it.
#[derive(Debug)]
pub(crate) struct Argon2GivingWay {
    params: Params,
    threads: Mutex<Threads>,
}

/// As many as hashes were ever computed at the same time.
#[derive(Debug, Default)]
struct Threads {
    spare: Vec<Thread>,
    /// They compute what nobody waits for any more.
    late: Vec<Thread>,
}

type Thread = NiceThread<Question, argon2::Result<Vec<u8>>>;

/// What is to be hashed, and how.
struct Question {
    argon2: Argon2<'static>,
    password: Zeroizing<Vec<u8>>,
    salt: Vec<u8>,
    length: usize,
}

impl Threads {
    /// Takes one that can be asked. None is started while others are late: then there is no time for it either.
    fn take(&mut self, block_count: usize) -> Option<Thread> {
        for thread in mem::take(&mut self.late) {
            match thread.take_late_answer() {
                Late::Here(_) => self.spare.push(thread),
                Late::ToCome => self.late.push(thread),
                Late::Lost => (),
            }
        }
        match self.spare.pop() {
            None if self.late.is_empty() => start(block_count),
            spare => spare,
        }
    }
}

fn start(block_count: usize) -> Option<Thread> {
    let mut blocks = vec![Block::default(); block_count];
    let answer = move |question: Question| {
        let Question {
            argon2,
            password,
            salt,
            length,
        } = question;
        let mut out = vec![0; length];
        argon2
            .hash_password_into_with_memory(&password, &salt, &mut out, &mut blocks)
            .map(|()| out)
    };
    Thread::start("argon2", answer)
        .inspect_err(|error| warn!(%error, "there is no thread that gives way"))
        .ok()
}

impl Argon2GivingWay {
    pub(crate) fn new(params: Params) -> Self {
        Self {
            params,
            threads: Mutex::default(),
        }
    }

    /// What a hash costs that is made here.
    pub(crate) fn params(&self) -> &Params {
        &self.params
    }

    fn hash_into(
        &self,
        argon2: &Argon2<'static>,
        password: &[u8],
        salt: &[u8],
        out: &mut [u8],
    ) -> argon2::Result<()> {
        if let Some(hashed) = self.hash_giving_way(argon2, password, salt, out.len()) {
            out.copy_from_slice(&hashed?);
            return Ok(());
        }
        argon2.hash_password_into(password, salt, out)
    }

    /// `None` where it is to be hashed on the spot.
    fn hash_giving_way(
        &self,
        argon2: &Argon2<'static>,
        password: &[u8],
        salt: &[u8],
        length: usize,
    ) -> Option<argon2::Result<Vec<u8>>> {
        let block_count = self.params.block_count();
        let work_kib = work_kib(argon2.params());
        if argon2.params().block_count() != block_count || work_kib <= SMALL_KIB {
            return None;
        }
        let thread = self.threads().take(block_count)?;
        let question = Question {
            argon2: argon2.clone(),
            password: Zeroizing::new(password.to_vec()),
            salt: salt.to_vec(),
            length,
        };
        let answer = thread.ask(question, patience(work_kib));
        let mut threads = self.threads();
        match answer {
            Some(_) => threads.spare.push(thread),
            None => threads.late.push(thread),
        }
        answer
    }

    fn threads(&self) -> MutexGuard<'_, Threads> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
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

impl PasswordHasher<PasswordHash> for Argon2GivingWay {
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
impl CustomizedPasswordHasher<PasswordHash> for Argon2GivingWay {
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

/// The memory that is gone over, in all passes together: what a hash costs.
pub(crate) fn work_kib(params: &Params) -> u64 {
    u64::from(params.m_cost()) * u64::from(params.t_cost())
}

/// For how long a hash is waited for that gives way: some 25 times as long as one takes that does not.
fn patience(work_kib: u64) -> Duration {
    Duration::from_millis(250) + Duration::from_micros(10 * work_kib)
}

#[cfg(test)]
mod tests {
    use std::thread::scope;

    use argon2::password_hash::PasswordVerifier as _;

    use super::*;

    /// It takes long enough to be handed over.
    fn params(memory_kib: u32) -> Params {
        let params = Params::new(memory_kib, 1, 1, None).unwrap();
        assert!(work_kib(&params) > SMALL_KIB);
        params
    }

    /// How many threads are spare, and how many are late.
    fn threads(argon2: &Argon2GivingWay) -> (usize, usize) {
        let threads = argon2.threads();
        (threads.spare.len(), threads.late.len())
    }

    #[test]
    fn a_thread_is_kept_from_one_hash_to_the_next() {
        let argon2 = Argon2GivingWay::new(params(2_048));
        assert_eq!(threads(&argon2), (0, 0));
        for password in [b"correct horse", b"another horse"] {
            let hash = argon2.hash_password(password).unwrap();
            assert_eq!(argon2.verify_password(password, &hash), Ok(()));
            let wrong = argon2.verify_password(b"wrong horse", &hash);
            assert_eq!(wrong, Err(Error::PasswordInvalid));
        }
        let (spare, late) = threads(&argon2);
        assert_eq!(spare + late, 1);
    }

    #[test]
    fn there_are_no_more_threads_than_hashes_at_a_time() {
        let argon2 = Argon2GivingWay::new(params(2_048));
        scope(|scope| {
            for _ in 0..3 {
                scope
                    .spawn(|| (0..4).for_each(|_| assert!(argon2.hash_password(b"horse").is_ok())));
            }
        });
        let (spare, late) = threads(&argon2);
        assert!((1..=3).contains(&(spare + late)), "{spare} + {late}");
    }

    #[test]
    fn while_a_thread_is_late_hashes_are_computed_on_the_spot() {
        let argon2 = Argon2GivingWay::new(params(2_048));
        let hash = argon2.hash_password(b"correct horse").unwrap();
        let late = Thread::start("late", |_| {
            loop {
                std::thread::park();
            }
        });
        let late = late.unwrap();
        let question = Question {
            argon2: Argon2::default(),
            password: Zeroizing::default(),
            salt: Vec::new(),
            length: 0,
        };
        assert!(late.ask(question, Duration::ZERO).is_none());
        *argon2.threads() = Threads {
            spare: Vec::new(),
            late: vec![late],
        };
        assert_eq!(argon2.verify_password(b"correct horse", &hash), Ok(()));
        assert_eq!(threads(&argon2), (0, 1));
    }

    #[test]
    fn what_was_hashed_before_leaves_no_trace() {
        let used = Argon2GivingWay::new(params(2_048));
        used.hash_password(b"correct horse").unwrap();
        let hash = |argon2: &Argon2GivingWay| {
            argon2.hash_password_with_salt(b"another horse", b"salt of 16 bytes")
        };
        let unused = Argon2GivingWay::new(used.params().clone());
        assert_eq!(hash(&used), hash(&unused));
        let by_the_crate = Argon2::new(Algorithm::Argon2id, Version::V0x13, used.params().clone());
        let expected = by_the_crate.hash_password_with_salt(b"another horse", b"salt of 16 bytes");
        assert_eq!(hash(&used), expected);
    }

    #[test]
    fn what_needs_other_memory_or_little_time_is_computed_on_the_spot() {
        let small = Params::new(32, 1, 1, None).unwrap();
        for (here, there) in [
            (params(2_048), params(4_096)),
            (small.clone(), small.clone()),
        ] {
            let [here, there] = [here, there].map(Argon2GivingWay::new);
            let hash = there.hash_password(b"correct horse").unwrap();
            assert_eq!(here.verify_password(b"correct horse", &hash), Ok(()));
            assert_eq!(threads(&here), (0, 0));
        }
    }
}
