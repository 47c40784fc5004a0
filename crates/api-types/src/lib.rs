//! The wire types of the todo backend, for every inbound adapter and for clients in Rust: bodies and queries with their
//! readers and schemas, cursors, and errors with their codes.
//!
//! It knows neither a web framework nor a protocol for assistants. Statuses are those of HTTP (RFC 9110), since the codes
//! of errors were defined with them.

pub mod cursor;
pub mod errors;
pub mod fields;
pub mod json;
pub mod problem;
pub mod query;
pub mod tasks;
pub mod violations;
pub mod wire;
