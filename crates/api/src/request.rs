//! Requests of REST: from actix to a call of a use case.

use std::{
    future::{Ready, ready},
    sync::Arc,
};

use actix_web::{FromRequest, HttpMessage, HttpRequest, dev, web::Data};
use todo_api_types::problem::Problem;
use todo_application::{App, Caller, SessionCaller, account::Credential};
use todo_domain::{AccessToken, Client, Scope, Secret};
use todo_runtime::{
    Actor, BulkWork, Call, Parsed, Runtime, Trace, WorkerPools, handler_of, worker_pool::WorkerPool,
};

use crate::{
    State,
    client::client,
    credentials::{PresentedCredential, presented_device},
    input::Input,
    metrics::LoginMetrics,
    problem_response::ProblemResponse,
    reply::Reply,
};

/// The result of a handler.
pub(crate) type Response = Result<Reply, ProblemResponse>;

/// A request, its body read.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) state: Data<State>,
    call: Call,
    pub(crate) presented: PresentedCredential,
    device: Option<Secret>,
    input: Input,
}

/// The client of a request that needs no credential.
#[derive(Debug)]
pub(crate) struct Anonymous {
    pub(crate) client: Client,
    /// The credential that it presents nevertheless.
    pub(crate) credential: Option<Credential>,
    /// The session cookie, if that is the credential.
    pub(crate) session_cookie: Option<AccessToken>,
    /// The secret of the device.
    pub(crate) device: Option<Secret>,
    /// The user, once it is known.
    pub(crate) actor: Actor,
}

impl Request {
    /// Whether it may be a search. (An encoded name may be any.)
    pub(crate) fn is_search(&self) -> bool {
        self.input.may_have_parameter("q")
    }

    /// See [`Call::not_counted_for_user`].
    pub(crate) fn not_counted_for_user(self) -> Self {
        Self {
            call: self.call.not_counted_for_user(),
            ..self
        }
    }

    /// See [`Call::reserved`].
    pub(crate) fn reserved(self) -> Self {
        Self {
            call: self.call.reserved(),
            ..self
        }
    }

    /// The metrics of logins.
    pub(crate) fn login_metrics(&self) -> LoginMetrics {
        self.state.metrics.logins.clone()
    }

    /// Parses the input with `read`, and calls a use case that reads or changes tasks: see [`Call::for_caller`].
    pub(crate) fn for_caller<T: Send + 'static>(
        self,
        scope: Scope,
        read: impl FnOnce(&Input) -> Result<T, Problem>,
        work: impl Fn(&App, &Caller, &T) -> Result<Reply, Problem> + Send + 'static,
    ) -> impl Future<Output = Response> {
        let handler = handler_of(&work);
        respond(self.authorizing(read, |call, credential, parsed| {
            call.for_caller(handler, credential, scope, parsed, work)
        }))
    }

    /// The same in the bulk pool: see [`Call::for_caller_in_bulk`].
    pub(crate) fn for_caller_in_bulk<T: Send + 'static>(
        self,
        scope: Scope,
        read: impl FnOnce(&Input) -> Result<T, Problem>,
        work: impl Fn(&App, &Caller, &T) -> Result<Reply, Problem> + Send + 'static,
    ) -> impl Future<Output = Response> {
        let handler = handler_of(&work);
        respond(self.authorizing(read, |call, credential, parsed| {
            call.for_caller_in_bulk(handler, credential, scope, parsed, work)
        }))
    }

    /// Parses the input with `read`, and calls a use case for the caller of a session: see [`Call::for_session`].
    pub(crate) fn for_session<T: Send + 'static>(
        self,
        pool: impl FnOnce(&WorkerPools) -> &WorkerPool,
        read: impl FnOnce(&Input) -> Result<T, Problem>,
        work: impl FnOnce(&App, &SessionCaller, T) -> Result<Reply, Problem> + Send + 'static,
    ) -> impl Future<Output = Response> {
        let handler = handler_of(&work);
        respond(self.authorizing(read, |call, credential, parsed| {
            call.for_session(handler, credential, pool, parsed, work)
        }))
    }

    /// Parses the input with `read`, and calls a use case for anyone: see [`Call::for_anyone`].
    pub(crate) fn for_anyone<T: Send + 'static>(
        self,
        pool: impl FnOnce(&WorkerPools) -> &WorkerPool,
        read: impl FnOnce(&Input) -> Result<T, Problem>,
        work: impl FnOnce(&App, &Anonymous, T) -> Result<Reply, Problem> + Send + 'static,
    ) -> impl Future<Output = Response> {
        let Self {
            call,
            presented,
            device,
            input,
            ..
        } = self;
        let handler = handler_of(&work);
        let session_cookie = presented.session_cookie();
        let prepared = presented
            .into_credential()
            .and_then(|credential| Ok((credential, read(&input)?)));
        let running = prepared.map(|(credential, value)| {
            let sender = Sender::of(&call);
            let anonymous = Anonymous {
                client: call.client().clone(),
                credential,
                session_cookie,
                device,
                actor: call.trace().actor().clone(),
            };
            let running = call.for_anyone(handler, pool, move |app| work(app, &anonymous, value));
            (sender, running)
        });
        respond(running)
    }

    /// Begins work of several pieces for the caller of a session: see [`Call::begin_bulk_work`].
    pub(crate) fn begin_bulk_work<T: Send + 'static>(
        self,
        work: impl FnOnce(&App, &SessionCaller) -> Result<T, Problem> + Send + 'static,
    ) -> impl Future<Output = Result<(T, BulkWork), Problem>> {
        let handler = handler_of(&work);
        let running = self.authorizing(Input::nothing, |call, credential, parsed| {
            call.begin_bulk_work(handler, credential, parsed, work)
        });
        async { running?.1.await }
    }

    /// Makes a call with the credential that it requires, and its parsed input.
    fn authorizing<T, F>(
        self,
        read: impl FnOnce(&Input) -> Result<T, Problem>,
        run: impl FnOnce(Call, Credential, Parsed<T>) -> F,
    ) -> Result<(Sender, F), Problem> {
        let credential = self.presented.into_required_credential()?;
        let parsed = match self.input.user_id() {
            Ok(subject) => Parsed::new(subject, read(&self.input)),
            Err(problem) => Parsed::new(None, Err(problem)),
        };
        let sender = Sender::of(&self.call);
        Ok((sender, run(self.call, credential, parsed)))
    }
}

/// Sends the reply of a use case, or the problem that kept it from running.
async fn respond(
    running: Result<(Sender, impl Future<Output = Result<Reply, Problem>>), Problem>,
) -> Response {
    let (sender, running) = running?;
    sender.send(running.await)
}

/// What sends a reply: it starts the work after it.
struct Sender {
    runtime: Arc<Runtime>,
    trace: Trace,
}

impl Sender {
    fn of(call: &Call) -> Self {
        Self {
            runtime: Arc::clone(call.runtime()),
            trace: call.trace().clone(),
        }
    }

    fn send(self, reply: Result<Reply, Problem>) -> Response {
        let mut reply = reply?;
        if let Some(after) = reply.take_after_response() {
            after.start(&self.runtime, &self.trace)?;
        }
        Ok(reply)
    }
}

/// The worker pool for use cases that only use the database.
pub(crate) fn database(pools: &WorkerPools) -> &WorkerPool {
    &pools.database
}

/// The worker pool for use cases that hash a password.
pub(crate) fn hashing(pools: &WorkerPools) -> &WorkerPool {
    &pools.hashing
}

impl FromRequest for Request {
    type Error = ProblemResponse;
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut dev::Payload) -> Self::Future {
        ready(from_request(request).ok_or_else(|| Problem::internal().into()))
    }
}

/// `None` if the server is wired wrongly: without state, or with a body that was not read.
fn from_request(request: &HttpRequest) -> Option<Request> {
    let state = request.app_data::<Data<State>>()?.clone();
    let trace = request.extensions_mut().remove::<Trace>()?;
    let client = client(request, &state.trusted_proxies);
    Some(Request {
        call: Call::new(Arc::clone(&state.runtime), trace, client),
        presented: PresentedCredential::of(request),
        device: presented_device(request),
        state,
        input: Input::of(request)?,
    })
}
