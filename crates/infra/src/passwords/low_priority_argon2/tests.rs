use std::thread::scope;

use argon2::password_hash::PasswordVerifier as _;

use super::*;

/// Parameters whose hash is computed on a low-priority thread.
fn params(memory_kib: u32) -> Params {
    let params = Params::new(memory_kib, 1, 1, None).unwrap();
    assert!(work_kib(&params) > SMALL_KIB);
    params
}

/// The number of idle threads, and of those whose job timed out.
fn threads(argon2: &LowPriorityArgon2) -> (usize, usize) {
    let threads = argon2.threads();
    (threads.idle.len(), threads.timed_out.len())
}

#[test]
fn a_thread_is_reused() {
    let argon2 = LowPriorityArgon2::new(params(2_048));
    assert_eq!(threads(&argon2), (0, 0));
    for password in [b"correct horse", b"another horse"] {
        let hash = argon2.hash_password(password).unwrap();
        assert_eq!(argon2.verify_password(password, &hash), Ok(()));
        let wrong = argon2.verify_password(b"wrong horse", &hash);
        assert_eq!(wrong, Err(Error::PasswordInvalid));
    }
    let (idle, timed_out) = threads(&argon2);
    assert_eq!(idle + timed_out, 1);
}

#[test]
fn there_are_no_more_threads_than_concurrent_hashes() {
    let argon2 = LowPriorityArgon2::new(params(2_048));
    scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| (0..4).for_each(|_| assert!(argon2.hash_password(b"horse").is_ok())));
        }
    });
    let (idle, timed_out) = threads(&argon2);
    assert!(
        (1..=3).contains(&(idle + timed_out)),
        "{idle} + {timed_out}"
    );
}

#[test]
fn hashes_are_computed_on_the_calling_thread_while_a_job_is_timed_out() {
    let argon2 = LowPriorityArgon2::new(params(2_048));
    let hash = argon2.hash_password(b"correct horse").unwrap();
    let stuck = Thread::start("stuck", |_| {
        loop {
            std::thread::park();
        }
    });
    let stuck = stuck.unwrap();
    let job = HashJob {
        argon2: Argon2::default(),
        password: Zeroizing::default(),
        salt: Vec::new(),
        length: 0,
    };
    assert!(stuck.run(job, Duration::ZERO).is_none());
    *argon2.threads() = Threads {
        idle: Vec::new(),
        timed_out: vec![stuck],
    };
    assert_eq!(argon2.verify_password(b"correct horse", &hash), Ok(()));
    assert_eq!(threads(&argon2), (0, 1));
}

#[test]
fn reused_memory_does_not_change_the_hash() {
    let used = LowPriorityArgon2::new(params(2_048));
    used.hash_password(b"correct horse").unwrap();
    let hash = |argon2: &LowPriorityArgon2| {
        argon2.hash_password_with_salt(b"another horse", b"salt of 16 bytes")
    };
    let unused = LowPriorityArgon2::new(used.params().clone());
    assert_eq!(hash(&used), hash(&unused));
    let by_the_crate = Argon2::new(Algorithm::Argon2id, Version::V0x13, used.params().clone());
    let expected = by_the_crate.hash_password_with_salt(b"another horse", b"salt of 16 bytes");
    assert_eq!(hash(&used), expected);
}

#[test]
fn small_hashes_and_those_of_another_size_are_computed_on_the_calling_thread() {
    let small = Params::new(32, 1, 1, None).unwrap();
    for (here, there) in [
        (params(2_048), params(4_096)),
        (small.clone(), small.clone()),
    ] {
        let [here, there] = [here, there].map(LowPriorityArgon2::new);
        let hash = there.hash_password(b"correct horse").unwrap();
        assert_eq!(here.verify_password(b"correct horse", &hash), Ok(()));
        assert_eq!(threads(&here), (0, 0));
    }
}
