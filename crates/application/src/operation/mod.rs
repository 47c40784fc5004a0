//! What the operation of the service needs, on nobody's behalf.

mod check_readiness;
mod operator;
mod prune;
mod public_keys;

pub use check_readiness::{CheckReadinessError, check_readiness};
pub use operator::{EndedSessions, Operator, OperatorError};
pub use prune::{PruneError, Pruned, prune};
pub use public_keys::public_keys;
