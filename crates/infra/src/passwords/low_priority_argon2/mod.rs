//! Argon2 on low-priority threads, each with memory of its own.
//!
//! A hash takes a processor for as long as hundreds of other requests. A login hardly notices when its hash takes a little
//! longer; other requests do notice when they wait for it. So hashes are computed at background priority. A hash that
//! times out there is computed again at normal priority, so that a busy machine keeps nobody from logging in.
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

use super::low_priority_thread::{LowPriorityThread, TimedOut};

/// The largest work, in KiB of all passes together, of a hash that is computed on the calling thread: it takes less than a
/// millisecond.
const SMALL_KIB: u64 = 1_024;

/// Hashes by Argon2id at one cost, and verifies hashes of any variant and cost.
#[derive(Debug)]
pub(crate) struct LowPriorityArgon2 {
    params: Params,
    threads: Mutex<Threads>,
}

/// As many threads as hashes were ever computed at the same time.
#[derive(Debug, Default)]
struct Threads {
    idle: Vec<Thread>,
    /// The threads whose job timed out.
    timed_out: Vec<Thread>,
}

type Thread = LowPriorityThread<HashJob, argon2::Result<Vec<u8>>>;

/// The input of a hash.
struct HashJob {
    argon2: Argon2<'static>,
    password: Zeroizing<Vec<u8>>,
    salt: Vec<u8>,
    length: usize,
}

impl Threads {
    /// Takes an idle thread, or starts one. None is started while a job of another is timed out: the new one would have no
    /// processor either.
    fn take(&mut self, block_count: usize) -> Option<Thread> {
        for thread in mem::take(&mut self.timed_out) {
            match thread.poll_timed_out() {
                TimedOut::Finished(_) => self.idle.push(thread),
                TimedOut::Running => self.timed_out.push(thread),
                TimedOut::Panicked => (),
            }
        }
        match self.idle.pop() {
            None if self.timed_out.is_empty() => start(block_count),
            idle => idle,
        }
    }
}

fn start(block_count: usize) -> Option<Thread> {
    let mut blocks = vec![Block::default(); block_count];
    let run = move |job: HashJob| {
        let HashJob {
            argon2,
            password,
            salt,
            length,
        } = job;
        let mut out = vec![0; length];
        argon2
            .hash_password_into_with_memory(&password, &salt, &mut out, &mut blocks)
            .map(|()| out)
    };
    Thread::start("argon2", run)
        .inspect_err(|error| warn!(%error, "cannot start a low-priority hashing thread"))
        .ok()
}

impl LowPriorityArgon2 {
    pub(crate) fn new(params: Params) -> Self {
        Self {
            params,
            threads: Mutex::default(),
        }
    }

    /// The cost of new hashes.
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
        if let Some(hashed) = self.hash_at_low_priority(argon2, password, salt, out.len()) {
            out.copy_from_slice(&hashed?);
            return Ok(());
        }
        argon2.hash_password_into(password, salt, out)
    }

    /// `None` when the hash has to be computed on the calling thread.
    fn hash_at_low_priority(
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
        let job = HashJob {
            argon2: argon2.clone(),
            password: Zeroizing::new(password.to_vec()),
            salt: salt.to_vec(),
            length,
        };
        let result = thread.run(job, timeout(work_kib));
        let mut threads = self.threads();
        match result {
            Some(_) => threads.idle.push(thread),
            None => threads.timed_out.push(thread),
        }
        result
    }

    fn threads(&self) -> MutexGuard<'_, Threads> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// As the crate `argon2` does it, with memory of a low-priority thread.
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

impl PasswordHasher<PasswordHash> for LowPriorityArgon2 {
    fn hash_password_with_salt(
        &self,
        password: &[u8],
        salt: &[u8],
    ) -> password_hash::Result<PasswordHash> {
        let params = self.params.clone();
        self.hash_by(Algorithm::Argon2id, Version::V0x13, params, password, salt)
    }
}

/// The crate `argon2` verifies by this.
impl CustomizedPasswordHasher<PasswordHash> for LowPriorityArgon2 {
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

/// The work of a hash, in KiB: its memory times its passes.
pub(crate) fn work_kib(params: &Params) -> u64 {
    u64::from(params.m_cost()) * u64::from(params.t_cost())
}

/// The timeout of a hash at background priority: some 25 times as long as a hash takes at normal priority.
fn timeout(work_kib: u64) -> Duration {
    Duration::from_millis(250) + Duration::from_micros(10 * work_kib)
}

#[cfg(test)]
mod tests;
