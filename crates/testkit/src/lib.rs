//! Databases for tests and trials. Nothing is left behind.
//!
//! [`PostgresServer`] is a temporary server, made of the PostgreSQL programs of the machine. With the feature `databases`,
//! each test gets an empty database of its own: PostgreSQL is the server of `TEST_DATABASE_URL`, or else a temporary one that
//! the tests of a process share. Without PostgreSQL programs, a test on PostgreSQL is skipped, which is printed on standard
//! error even though the test runner captures output; with `CI=true` it fails.

#![cfg_attr(
    feature = "databases",
    expect(
        clippy::expect_used,
        clippy::missing_panics_doc,
        clippy::panic,
        reason = "this crate is part of the tests, which fail by panicking"
    )
)]

#[cfg(feature = "databases")]
mod pooler;
#[cfg(feature = "databases")]
mod postgres;
mod server;
#[cfg(feature = "databases")]
mod sql;
#[cfg(feature = "databases")]
mod temporary_server;

#[cfg(feature = "databases")]
pub use pooler::{Certificates, Pooler};
pub use server::{PostgresDatabase, PostgresServer, ServerResult};
#[cfg(feature = "databases")]
pub use sql::{Kind, OpenTransaction, TestDatabase, sqlite_values};
