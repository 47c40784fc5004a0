//! Taking everything out of a storage and putting it into another.
//!
//! These are for whoever runs the service, from its command line: they need no caller, and of the ports only
//! [`Archive`](todo_domain::ports::Archive).

mod export;
mod import;

pub use export::{ExportError, export};
pub use import::{ImportError, import};
