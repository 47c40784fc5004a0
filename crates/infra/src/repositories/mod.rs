//! The repositories of the domain on [`Database`](crate::Database), file by file as its ports.

mod archive;
mod idempotency_keys;
mod sessions;
mod todos;
mod users;
