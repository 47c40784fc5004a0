//! The server as its clients see it: the real program, on a real port, on both databases. The files mirror the routes.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking, their helpers too"
)]

mod access;
mod auth;
mod bad_input;
mod clients;
mod concurrency;
mod docs;
mod edge;
mod harness;
mod health;
mod keys;
mod metrics;
mod ops;
mod overload;
mod tasks;
#[cfg(feature = "otlp")]
mod traces;
