//! Migrating PostgreSQL while another backend goes on reading and writing the same tables.
//!
//! What is to be done is found by looking at the tables (`shape`), and is a list of small steps (`steps`). A step that
//! needs a lock gets hold of it quickly or gives way and tries again (`lock`); those that take long need none
//! (`back_fill`, and indexes). Each step can be taken again, and the migration is recorded when all are done, so one
//! that was interrupted at any point goes on when it is run again.

mod back_fill;
mod folding;
mod lock;
mod shape;
mod steps;
mod trust;
mod usage;

use diesel::{PgConnection, connection::SimpleConnection};

use self::{shape::Shape, steps::Step};
use super::{Listener, MigrateError, PlannedStep, Progress};

/// The steps that are needed.
pub(super) fn plan(connection: &mut PgConnection) -> Result<Vec<PlannedStep>, MigrateError> {
    let shape = Shape::look(connection)?;
    Ok(steps::needed(&shape).iter().map(Step::describe).collect())
}

/// Takes the steps that are needed, one instance at a time.
///
/// The lock that keeps the others waiting belongs to the connection on which the work is done: when the program is
/// killed while the server still builds an index for it, the lock is held until the server is through.
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
    let steps = steps::needed(&Shape::look(connection)?);
    let planned: Vec<_> = steps.iter().map(Step::describe).collect();
    for (index, (step, planned_step)) in steps.iter().zip(&planned).enumerate() {
        listener(Progress::Step {
            step: planned_step,
            number: index + 1,
            of: steps.len(),
        });
        step.take(connection, listener)
            .map_err(|source| MigrateError::Step {
                step: planned_step.name.clone(),
                source: source.into(),
            })?;
    }
    Ok(planned)
}
