//! Adapters for the ports of `todo-domain`.
//!
//! [`Database`] implements every repository on SQLite and on PostgreSQL. One module per subject:
//!
//! - `database`: connections, the pool, transactions, migrations, backup.
//! - `repositories`: the statements of each repository; its files mirror those under `ports` in the domain.
//! - `passwords`: password hashing and the list of common passwords.
//! - `tokens`: JSON Web Tokens.
//! - `keys`: signing keys and the key-ring file.
//! - `mail`: SMTP.
//! - `files`: durable writes, ownership and permissions.
//! - `clock`, `ids`, `secrets`: time and randomness.

mod clock;
mod database;
mod files;
mod ids;
mod keys;
mod mail;
mod passwords;
mod repositories;
mod secrets;
mod tokens;

pub use clock::SystemClock;
pub use database::{
    BackupError, ClockDifference, ConnectError, Database, DatabaseKind, DatabaseUrl,
    InvalidDatabaseUrl, MigrateError, MissingTimeout, PlannedStep, PoolSettings, PoolStatistics,
    Privileges, Progress, RefusedConnection, SessionTimeouts, SqliteVersion, Transport,
};
pub use files::{
    SecretFileError, UntrustedFile, check_own_links, check_trusted, restrict_secret_file,
};
pub use ids::RandomIds;
pub use keys::{
    InvalidKeyRing, InvalidSigningKey, KeyRing, KeyRingError, KeyRingFile, Rotation,
    SigningAlgorithm, SigningKey, StoredKey, UnknownAlgorithm,
};
pub use mail::{InvalidMailSettings, LogMailer, SmtpMailer};
pub use passwords::{
    Argon2id, Argon2idParams, CommonPasswordList, ConcurrencyLimitedHasher, InvalidArgon2idParams,
    Passwords, argon2_memory_kib,
};
pub use secrets::RandomSecrets;
pub use tokens::JwtTokens;
