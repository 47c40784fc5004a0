//! What the operation of the service needs, on nobody's behalf.

mod check_readiness;
mod prune_sessions;

pub use check_readiness::{CheckReadinessError, check_readiness};
pub use prune_sessions::{PruneSessionsError, prune_sessions};
