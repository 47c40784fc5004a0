//! Requests that read all data of a user, in a worker pool of their own.
//!
//! Authorization happens in the pool for the database, so that it never waits for a search.

use std::sync::Arc;

use todo_api_types::problem::Problem;
use todo_application::{App, Caller, SessionCaller, account::Credential};
use todo_domain::Scope;

use crate::{
    WorkerPools,
    authorization::{Outcome, Parsed},
    call::{Call, database},
    in_flight::Slot,
    worker_pool::WorkerPool,
};

/// The worker pool for use cases that read all data of a user.
fn bulk(pools: &WorkerPools) -> &WorkerPool {
    &pools.bulk
}

impl Call {
    /// Runs a use case that reads all data of a user, in the bulk pool. The caller is authorized first, and takes one of
    /// the user's places there.
    ///
    /// # Errors
    /// As [`for_caller`](Call::for_caller).
    pub fn for_caller_in_bulk<T: Send + 'static, R: Send + 'static>(
        self,
        handler: &'static str,
        credential: Credential,
        scope: Scope,
        parsed: Parsed<T>,
        work: impl Fn(&App, &Caller, &T) -> Result<R, Problem> + Send + 'static,
    ) -> impl Future<Output = Result<R, Problem>> {
        let Parsed {
            subject,
            value,
            problem,
        } = parsed;
        let authorization = self.authorization(credential);
        let admission = authorization.clone();
        let is_valid = value.is_some().then_some(());
        let reserving = self.run(handler, database, move |runtime| {
            admission.run(
                runtime,
                scope,
                subject,
                is_valid.as_ref(),
                |_, caller, ()| Ok(runtime.in_flight.begin(caller.claimed_user_id())?),
            )
        });
        async move {
            let slot = Outcome::or_invalid(reserving.await, problem)?;
            let authorization = authorization.counted_already();
            let running = self.run(handler, bulk, move |runtime| {
                let _slot = slot;
                authorization.run(runtime, scope, subject, value.as_ref(), work)
            });
            Outcome::or_invalid(running.await, None)
        }
    }

    /// Runs the first of several pieces of work in the bulk pool, for a caller who presents the credential of a session.
    /// The result comes with what runs the others.
    ///
    /// # Errors
    /// As [`for_session`](Call::for_session).
    pub fn begin_bulk_work<R: Send + 'static>(
        self,
        handler: &'static str,
        credential: Credential,
        parsed: Parsed<()>,
        work: impl FnOnce(&App, &SessionCaller) -> Result<R, Problem> + Send + 'static,
    ) -> impl Future<Output = Result<(R, BulkWork), Problem>> {
        let Parsed { value, problem, .. } = parsed;
        let authorization = self.authorization(credential);
        let client = self.client.clone();
        let reserving = self.run(handler, database, move |runtime| {
            let caller = authorization.session(runtime, &client)?;
            if value.is_none() {
                return Ok(Outcome::InputInvalid);
            }
            let slot = runtime.in_flight.begin(caller.user_id())?;
            Ok(Outcome::Done((caller, slot)))
        });
        async move {
            let (caller, slot) = Outcome::or_invalid(reserving.await, problem)?;
            let others = BulkWork {
                call: self,
                handler,
                slot: Arc::new(slot),
            };
            let first = others.run(move |app| work(app, &caller)).await?;
            Ok((first, others))
        }
    }
}

/// A request of several pieces of work in the bulk pool. It is in flight until this is dropped and the last piece has
/// ended.
#[derive(Debug)]
pub struct BulkWork {
    call: Call,
    handler: &'static str,
    slot: Arc<Slot>,
}

impl BulkWork {
    /// Runs a piece of work in the bulk pool.
    ///
    /// # Errors
    /// The problem of the pool or the work.
    pub fn run<R, W>(&self, work: W) -> impl Future<Output = Result<R, Problem>> + use<R, W>
    where
        R: Send + 'static,
        W: FnOnce(&App) -> Result<R, Problem> + Send + 'static,
    {
        let slot = Arc::clone(&self.slot);
        self.call.run(self.handler, bulk, move |runtime| {
            let done = work(&runtime.app);
            drop(slot);
            done
        })
    }
}
