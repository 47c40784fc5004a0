//! The use cases of the todo backend.
//!
//! A use case is a plain function of the [`App`] (the ports and the settings), the [`Caller`] where one is needed, and
//! its input. It runs from start to end on the thread that calls it, and its error enum names everything that can go
//! wrong. Each stands in a file of its own, together with its input, its output, its error and its tests.

pub mod account;
mod app;
pub mod archive;
mod caller;
pub mod operation;
mod security_event;
mod service_error;
#[cfg(test)]
mod testing;
pub mod todo;

pub use app::App;
pub use caller::{Caller, NotTheCaller, SessionCaller};
pub use service_error::ServiceError;
