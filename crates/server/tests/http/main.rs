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
mod connections;
mod docs;
mod edge;
mod emergency;
mod error_size;
#[cfg(target_os = "linux")]
mod full_disk;
mod harness;
mod health;
mod keys;
#[cfg(target_os = "linux")]
mod memory;
mod metrics;
mod one_file;
mod ops;
mod overload;
mod pooler;
mod quotas;
mod rate_limits;
#[cfg(feature = "otlp")]
mod round_trips;
mod slow_clients;
mod tasks;
#[cfg(feature = "otlp")]
mod traces;
