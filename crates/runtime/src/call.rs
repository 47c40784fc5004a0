//! Calls: from a request of any inbound adapter to one use case on one thread.

use std::sync::Arc;

use todo_api_types::problem::Problem;
use todo_application::{App, Caller, SessionCaller, account::Credential};
use todo_domain::{Client, Scope, network_of};

use crate::{
    Runtime, WorkerPools,
    authorization::{Authorization, Outcome, Parsed},
    trace::Trace,
    worker_pool::{QueueClass, QueueKey, WorkerPool},
};

/// A request, without what is special to its protocol.
#[derive(Debug)]
pub struct Call {
    pub(crate) runtime: Arc<Runtime>,
    pub(crate) trace: Trace,
    pub(crate) client: Client,
    class: QueueClass,
    counts_for_user: bool,
}

impl Call {
    /// A request of a client, which is counted for its user.
    #[must_use]
    pub fn new(runtime: Arc<Runtime>, trace: Trace, client: Client) -> Self {
        Self {
            runtime,
            trace,
            client,
            class: QueueClass::default(),
            counts_for_user: true,
        }
    }

    /// The same, but not counted for its user: for ending sessions and tokens, which must be possible while somebody who
    /// stole one uses up the limit of the user.
    #[must_use]
    pub fn not_counted_for_user(self) -> Self {
        Self {
            counts_for_user: false,
            ..self
        }
    }

    /// The same, in the class that a flood of logins cannot delay: for requests with a mailed token.
    #[must_use]
    pub fn reserved(self) -> Self {
        Self {
            class: QueueClass::Reserved,
            ..self
        }
    }

    /// What all requests share.
    #[must_use]
    pub fn runtime(&self) -> &Arc<Runtime> {
        &self.runtime
    }

    /// The trace of the request.
    #[must_use]
    pub fn trace(&self) -> &Trace {
        &self.trace
    }

    /// The client that makes the request.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Runs a use case for a caller whose credential has `scope`, on a thread of the worker pool for the database: one
    /// hand-over, for authorization and work. Invalid input is reported once the caller is authorized.
    ///
    /// The work runs a second time only if the first failed because the session was not proven to be valid.
    ///
    /// # Errors
    /// The problem of the credential, the limits, the input, the pool or the work, in this order.
    pub fn for_caller<T: Send + 'static, R: Send + 'static>(
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
        let running = self.run(handler, database, move |runtime| {
            authorization.run(runtime, scope, subject, value.as_ref(), work)
        });
        async { Outcome::or_invalid(running.await, problem) }
    }

    /// Runs a use case for a caller who presents the credential of a session, on a thread of the worker pool that `pool`
    /// picks.
    ///
    /// # Errors
    /// As [`for_caller`](Self::for_caller).
    pub fn for_session<T: Send + 'static, R: Send + 'static>(
        self,
        handler: &'static str,
        credential: Credential,
        pool: impl FnOnce(&WorkerPools) -> &WorkerPool,
        parsed: Parsed<T>,
        work: impl FnOnce(&App, &SessionCaller, T) -> Result<R, Problem> + Send + 'static,
    ) -> impl Future<Output = Result<R, Problem>> {
        let Parsed { value, problem, .. } = parsed;
        let authorization = self.authorization(credential);
        let client = self.client.clone();
        let running = self.reserved().run(handler, pool, move |runtime| {
            let caller = authorization.session(runtime, &client)?;
            let Some(value) = value else {
                return Ok(Outcome::InputInvalid);
            };
            work(&runtime.app, &caller, value).map(Outcome::Done)
        });
        async { Outcome::or_invalid(running.await, problem) }
    }

    /// Runs a use case for anyone, on a thread of the worker pool that `pool` picks.
    ///
    /// # Errors
    /// The problem of the pool or the work.
    pub fn for_anyone<R: Send + 'static>(
        self,
        handler: &'static str,
        pool: impl FnOnce(&WorkerPools) -> &WorkerPool,
        work: impl FnOnce(&App) -> Result<R, Problem> + Send + 'static,
    ) -> impl Future<Output = Result<R, Problem>> {
        self.run(handler, pool, move |runtime| work(&runtime.app))
    }

    pub(crate) fn authorization(&self, credential: Credential) -> Authorization {
        Authorization::new(credential, self.counts_for_user, self.trace.actor())
    }

    /// The key by which a worker pool with a fair queue serves it.
    fn queue_key(&self) -> QueueKey {
        QueueKey {
            class: self.class,
            network: self.client.address.map(network_of),
        }
    }

    /// Hands work over to a worker pool at once. The result is small, and waits for the work.
    pub(crate) fn run<R, P, W>(
        &self,
        handler: &str,
        pool: P,
        work: W,
    ) -> impl Future<Output = Result<R, Problem>> + use<R, P, W>
    where
        R: Send + 'static,
        P: FnOnce(&WorkerPools) -> &WorkerPool,
        W: FnOnce(&Runtime) -> Result<R, Problem> + Send + 'static,
    {
        let span = self.trace.work_span(handler);
        let runtime = Arc::clone(&self.runtime);
        let deadline = runtime.request_deadline;
        let running =
            pool(&self.runtime.pools).execute_for(self.queue_key(), deadline, move || {
                span.in_scope(|| work(&runtime))
            });
        async move { running.await? }
    }
}

/// The worker pool for use cases that only use the database.
pub(crate) fn database(pools: &WorkerPools) -> &WorkerPool {
    &pools.database
}

/// The name of the handler that contains a closure, such as `tasks::create::create`.
#[must_use]
pub fn handler_of<W>(_: &W) -> &'static str {
    let name = std::any::type_name::<W>();
    let name = name.split("::{{closure}}").next().unwrap_or(name);
    name.rsplit_once("::routes::")
        .map_or(name, |(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handler_has_the_name_of_its_function() {
        let outer = || || ();
        let name = handler_of(&outer());
        assert!(
            name.ends_with("call::tests::a_handler_has_the_name_of_its_function"),
            "{name}"
        );
    }
}
