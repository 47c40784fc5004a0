//! Requests that read all that a user has: searches and exports.
//!
//! They run in a lane of their own, so that they cannot take the threads of the database lane, and each user has few of
//! them in flight. The database lane finds out who calls first: a request that is refused never waits for a search.

use std::sync::Arc;

use actix_web::web::Data;
use todo_application::{App, Caller, SessionCaller};
use todo_domain::Scope;

use crate::{
    State,
    authorization::{Authorization, Outcome, Parsed},
    fair_queue::QueueKey,
    in_flight::Slot,
    input::Input,
    problem::Problem,
    reply::Reply,
    request::{Request, bulk, database, hand_over, with_afterwards},
    trace::{Trace, handler_of},
};

impl Request {
    /// Runs a use case that reads all todos of a user, in the bulk lane; otherwise as [`for_caller`](Request::for_caller).
    ///
    /// The caller is authorized first, in the lane for the database, to have one of the user's places in the bulk lane.
    pub(crate) fn for_caller_in_bulk<T: Send + 'static>(
        self,
        scope: Scope,
        read: impl FnOnce(&Input) -> Result<T, Problem>,
        work: impl Fn(&App, &Caller, &T) -> Result<Reply, Problem> + Send + 'static,
    ) -> impl Future<Output = Result<Reply, Problem>> {
        let key = self.queue_key();
        let handler = handler_of(&work);
        let reserving = self
            .authorization()
            .map(|(state, trace, authorization, input)| {
                let Parsed {
                    subject,
                    value,
                    problem,
                } = Parsed::new(&input, read);
                let admission = authorization.clone();
                let is_valid = value.is_some().then_some(());
                let reserving = hand_over(&state, &trace, handler, key, database, move |state| {
                    admission.run(state, scope, subject, is_valid.as_ref(), |_, caller, ()| {
                        Ok(state.in_flight.begin(caller.claimed_user_id())?)
                    })
                });
                let authorization = Authorization {
                    // It is counted already.
                    rate_limits: None,
                    ..authorization
                };
                (
                    state,
                    trace,
                    authorization,
                    subject,
                    value,
                    problem,
                    reserving,
                )
            });
        async move {
            let (state, trace, authorization, subject, value, invalid, reserving) = reserving?;
            let slot = Outcome::or_invalid(reserving.await, invalid)?;
            let running = hand_over(&state, &trace, handler, key, bulk, move |state| {
                let _slot = slot;
                authorization.run(state, scope, subject, value.as_ref(), work)
            });
            let reply = Outcome::or_invalid(running.await, None)?;
            with_afterwards(&state, &trace, reply)
        }
    }

    /// Runs the first of several pieces of work in the bulk lane, for whoever shows that they have a session, and gives
    /// what it gives, with what runs the others.
    pub(crate) fn begin_bulk_work<T: Send + 'static>(
        self,
        work: impl FnOnce(&App, &SessionCaller) -> Result<T, Problem> + Send + 'static,
    ) -> impl Future<Output = Result<(T, BulkWork), Problem>> {
        let key = self.queue_key();
        let client = self.client.clone();
        let handler = handler_of(&work);
        let reserving = self
            .authorization()
            .map(|(state, trace, authorization, input)| {
                let invalid = input.nothing().err();
                let is_valid = invalid.is_none();
                let reserving = hand_over(&state, &trace, handler, key, database, move |state| {
                    let caller = authorization.session(&state.app, &client)?;
                    if !is_valid {
                        return Ok(Outcome::InputInvalid);
                    }
                    let slot = state.in_flight.begin(caller.user_id())?;
                    Ok(Outcome::Done((caller, slot)))
                });
                (state, trace, invalid, reserving)
            });
        async move {
            let (state, trace, invalid, reserving) = reserving?;
            let (caller, slot) = Outcome::or_invalid(reserving.await, invalid)?;
            let others = BulkWork {
                state,
                trace,
                handler,
                key,
                slot: Arc::new(slot),
            };
            let first = others.run(move |app| work(app, &caller)).await?;
            Ok((first, others))
        }
    }
}

/// A request that takes several pieces of work in the bulk lane, and is in flight until this is dropped and the last
/// piece has ended.
#[derive(Debug)]
pub(crate) struct BulkWork {
    state: Data<State>,
    trace: Trace,
    handler: &'static str,
    key: QueueKey,
    slot: Arc<Slot>,
}

impl BulkWork {
    /// Runs a piece of work in the bulk lane.
    pub(crate) fn run<T, W>(&self, work: W) -> impl Future<Output = Result<T, Problem>> + use<T, W>
    where
        T: Send + 'static,
        W: FnOnce(&App) -> Result<T, Problem> + Send + 'static,
    {
        let slot = Arc::clone(&self.slot);
        hand_over(
            &self.state,
            &self.trace,
            self.handler,
            self.key,
            bulk,
            move |state| {
                let done = work(&state.app);
                drop(slot);
                done
            },
        )
    }
}
