//! Adapters for the ports of `todo-domain`.
//!
//! [`Database`] implements every repository on SQLite and on PostgreSQL alike; the modules under `repositories` mirror
//! those under `ports` in the domain, file by file. The other adapters are one file or one module each.

mod argon2_giving_way;
mod argon2id;
mod bcrypt;
mod common_passwords;
mod database;
mod files;
mod hashing_at_most;
mod jwt;
mod keys;
mod mail;
mod nice_thread;
mod passwords;
mod random_ids;
mod random_secrets;
mod repositories;
mod system_clock;
mod trusted_files;

pub use argon2id::{Argon2id, Argon2idParams, InvalidArgon2idParams, argon2_memory_kib};
pub use common_passwords::CommonPasswordList;
pub use database::{
    BackupError, ClockDifference, ConnectError, Database, DatabaseKind, DatabaseUrl,
    InvalidDatabaseUrl, MigrateError, MissingTimeout, PlannedStep, PoolSettings, PoolStatistics,
    Privileges, Progress, RefusedConnection, SessionTimeouts, SqliteVersion, Transport,
};
pub use hashing_at_most::HashingAtMost;
pub use jwt::JwtTokens;
pub use keys::{
    InvalidKeyRing, InvalidSigningKey, KeyRing, KeyRingError, KeyRingFile, Rotation,
    SigningAlgorithm, SigningKey, StoredKey, UnknownAlgorithm,
};
pub use mail::{InvalidMailSettings, LogMailer, SmtpMailer};
pub use passwords::Passwords;
pub use random_ids::RandomIds;
pub use random_secrets::RandomSecrets;
pub use system_clock::SystemClock;
pub use trusted_files::{
    SecretFileError, UntrustedFile, check_own_links, check_trusted, restrict_secret_file,
};
