//! What programs have in common that try the server as a whole, from outside: the release build as a process, a database
//! of its own, whoever calls it, and what was measured.
//!
//! Nothing here is linked to the server: it is started, asked over HTTP, and looked at from outside.

#![expect(
    clippy::cast_precision_loss,
    reason = "what is counted and measured is far from 2^52"
)]

mod database;
mod http;
mod load;
mod operation;
mod pgbench;
mod process;
mod random;
mod seed;
mod server;
mod statements;
mod statistics;
mod table;

use std::error::Error;

pub use database::{Kind, SQLITE_FILE, TrialDatabase};
pub use http::{Answer, Connection, Request};
pub use load::{Group, GroupReport, Load, Until, run_in_another_process, run_load};
pub use operation::{Accounts, Asked, Operation, Requests};
pub use pgbench::{Script, pgbench};
pub use process::{Memory, children, cpu_time, forget_peak, memory, open_files};
pub use random::Random;
pub use seed::{PASSWORD, Population};
pub use server::{Server, ServerProgram};
pub use statements::{Statement, statements_of};
pub use statistics::{Permutation, median, percentile, permutation};
pub use table::Table;
pub use todo_testkit::{PostgresDatabase, PostgresServer};

/// What comes of a step of a trial. Whoever runs one reads the error, and no program does.
pub type TrialResult<T> = Result<T, Box<dyn Error + Send + Sync>>;
