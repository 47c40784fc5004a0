//! Requests that read all that a user has: searches and exports.
//!
//! They run in a lane of their own, so that they cannot take the threads of the database lane, and each user has few of
//! them in flight. The database lane finds out who calls first: a request that is refused never waits for a search.

use std::sync::Arc;

use actix_web::web::Data;
use todo_application::{
    App, Caller, SessionCaller,
    account::{act, authenticate_session},
};
use todo_domain::Scope;

use crate::{
    State,
    fair_queue::QueueKey,
    in_flight::Slot,
    input::Input,
    problem::Problem,
    reply::Reply,
    request::{Request, bulk, count, database, hand_over, noted, run},
    trace::{Trace, handler_of},
};

impl Request {
    /// Runs a use case that reads all todos of a user, for whoever shows a credential that is good for `scope`, in the
    /// bulk lane. As [`for_caller`](Request::for_caller) otherwise.
    pub(crate) fn for_caller_in_bulk(
        self,
        scope: Scope,
        work: impl Fn(&App, &Caller, &Input) -> Result<Reply, Problem> + Send + 'static,
    ) -> impl Future<Output = Result<Reply, Problem>> {
        let key = self.queue_key();
        let Self {
            state,
            trace,
            shown,
            rate_limits,
            input,
            ..
        } = self;
        let handler = handler_of(&work);
        let actor = trace.actor().clone();
        async move {
            let credential = shown.into_required_credential()?;
            let (shown, limits) = (credential.clone(), rate_limits);
            let reserving = hand_over(&state, &trace, handler, key, database, move |state| {
                let State {
                    app, seen_sessions, ..
                } = state;
                let admit = |user| Ok::<_, Problem>(count(&actor, limits.as_deref(), user)?);
                // For a session that was seen a moment ago nothing is asked of the storage here.
                let user = act(app, seen_sessions, &shown, scope, admit, |authenticated| {
                    Ok(noted(authenticated).claimed_user_id())
                })?;
                Ok(state.in_flight.begin(user)?)
            });
            let slot = reserving.await?;
            let running = run(state, trace, handler, key, bulk, move |state| {
                let _slot = slot;
                let State {
                    app, seen_sessions, ..
                } = state;
                let admit = |_| Ok::<_, Problem>(());
                act(
                    app,
                    seen_sessions,
                    &credential,
                    scope,
                    admit,
                    |authenticated| {
                        let caller = noted(authenticated);
                        if let Some(user_id) = input.user_id()? {
                            caller.must_be(user_id)?;
                        }
                        work(app, &caller, &input)
                    },
                )
            });
            running.await
        }
    }

    /// Runs the first of several pieces of work in the bulk lane, for whoever shows that they have a session, and gives
    /// what it gives, with what runs the others.
    pub(crate) fn begin_bulk_work<T: Send + 'static>(
        self,
        work: impl FnOnce(&App, &SessionCaller) -> Result<T, Problem> + Send + 'static,
    ) -> impl Future<Output = Result<(T, BulkWork), Problem>> {
        let key = self.queue_key();
        let Self {
            state,
            trace,
            client,
            shown,
            rate_limits,
            input,
            ..
        } = self;
        let handler = handler_of(&work);
        let actor = trace.actor().clone();
        async move {
            let credential = shown.into_required_credential()?;
            let reserving = hand_over(&state, &trace, handler, key, database, move |state| {
                let caller = noted(authenticate_session(&state.app, &credential, &client)?);
                count(&actor, rate_limits.as_deref(), caller.user_id())?;
                input.nothing()?;
                let slot = state.in_flight.begin(caller.user_id())?;
                Ok((caller, slot))
            });
            let (caller, slot) = reserving.await?;
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
