//! Migrating PostgreSQL while another backend goes on reading and writing the same tables.
//!
//! The plan is a list of small steps (`steps`) that is derived from the state of the schema (`schema_state`). A step that
//! needs a table lock takes it within a moment or tries again (`lock`); long steps need none (`back_fill`, and indexes).
//! Steps are idempotent, and the migration is recorded when all are done, so an interrupted migration continues when it is
//! run again.

mod back_fill;
mod expected_columns;
mod folding;
mod lock;
mod schema_state;
mod steps;
mod trust;
mod usage;

use diesel::{PgConnection, connection::SimpleConnection};

use self::{schema_state::SchemaState, steps::Step};
use super::{Listener, MigrateError, PlannedStep, Progress};

/// The steps that are needed. Nothing is changed.
pub(super) fn plan(connection: &mut PgConnection) -> Result<Vec<PlannedStep>, MigrateError> {
    let state = SchemaState::read(connection)?;
    Ok(steps::needed(&state).iter().map(Step::describe).collect())
}

/// Runs the steps that are needed, one instance at a time.
///
/// The lock that makes other instances wait belongs to the connection that does the work: when the program is killed while
/// the server still builds an index for it, the lock is held until the server is done.
pub(super) fn run(
    connection: &mut PgConnection,
    listener: Listener<'_>,
) -> Result<Vec<PlannedStep>, MigrateError> {
    let inspect = |error: diesel::result::Error| MigrateError::Inspect(error.into());
    connection
        .batch_execute(
            "SET statement_timeout = 0; SET lock_timeout = 0; SET client_min_messages = warning",
        )
        .map_err(inspect)?;
    lock::wait_for_turn(connection, listener).map_err(inspect)?;
    let steps = steps::needed(&SchemaState::read(connection)?);
    let planned: Vec<_> = steps.iter().map(Step::describe).collect();
    for (index, (step, planned_step)) in steps.iter().zip(&planned).enumerate() {
        listener(Progress::Step {
            step: planned_step,
            number: index + 1,
            of: steps.len(),
        });
        step.run(connection, listener)
            .map_err(|source| MigrateError::Step {
                step: planned_step.name.clone(),
                source: source.into(),
            })?;
    }
    Ok(planned)
}
