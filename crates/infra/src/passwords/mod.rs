//! Password hashing: Argon2id and bcrypt, limits on concurrency and priority, and the list of common passwords.

mod argon2id;
mod bcrypt;
mod common_passwords;
mod concurrency_limit;
mod hasher;
mod low_priority_argon2;
mod low_priority_thread;

pub use argon2id::{Argon2id, Argon2idParams, InvalidArgon2idParams, argon2_memory_kib};
pub use common_passwords::CommonPasswordList;
pub use concurrency_limit::ConcurrencyLimitedHasher;
pub use hasher::Passwords;
