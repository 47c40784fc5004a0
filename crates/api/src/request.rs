//! Requests: from what actix hands over to one use case on one thread.

use std::{
    future::{Ready, ready},
    sync::Arc,
    thread,
    time::Duration,
};

use actix_web::{FromRequest, HttpMessage, HttpRequest, dev, web::Data};
use todo_application::{App, Caller, SessionCaller, account::Credential};
use todo_domain::{AccessToken, Client, Scope, Secret, network_of};
use tracing::{error, warn};

use crate::{
    Lanes, State,
    authorization::{Authorization, Outcome, Parsed},
    client::client,
    credentials::{Shown, shown_device},
    fair_queue::{QueueClass, QueueKey},
    input::Input,
    lane::Lane,
    metrics::LoginMetrics,
    problem::Problem,
    rate_limits::RateLimits,
    reply::{Afterwards, Reply},
    trace::{Actor, Trace, handler_of},
};

/// What is done after an answer begins so long after it was given, when it has been sent: else an answer would take
/// longer where there is more to be done after it, and so tell whether there is an account.
const PAUSE_AFTER_ANSWER: Duration = Duration::from_millis(10);

/// A request, its body read.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) state: Data<State>,
    pub(crate) trace: Trace,
    pub(crate) client: Client,
    pub(crate) shown: Shown,
    device: Option<Secret>,
    /// In which class it waits for a lane whose queue is fair.
    class: QueueClass,
    /// What it is counted in for its user, if it is.
    pub(crate) rate_limits: Option<Arc<RateLimits>>,
    pub(crate) input: Input,
}

/// Whoever makes a request that anyone may make.
#[derive(Debug)]
pub(crate) struct Visitor {
    /// What the request comes from.
    pub(crate) client: Client,
    /// What it shows all the same.
    pub(crate) credential: Option<Credential>,
    /// The session cookie, where that is the credential.
    pub(crate) session_cookie: Option<AccessToken>,
    /// What its device shows to be known again.
    pub(crate) device: Option<Secret>,
    /// The user, once it is known who that is.
    pub(crate) actor: Actor,
}

impl Request {
    /// Whether it may ask for a search. (A name that is encoded may be any.)
    pub(crate) fn is_search(&self) -> bool {
        self.input.may_have_parameter("q")
    }

    /// The same, but not counted for its user: for what ends sessions and tokens, which is to be possible while whoever
    /// has got hold of one uses up what the user may do.
    pub(crate) fn not_counted_for_user(self) -> Self {
        Self {
            rate_limits: None,
            ..self
        }
    }

    /// The same, in the class that a flood of logins cannot delay: for what presents a mailed token.
    pub(crate) fn reserved(self) -> Self {
        Self {
            class: QueueClass::Reserved,
            ..self
        }
    }

    /// By what a lane whose queue is fair serves it.
    pub(crate) fn queue_key(&self) -> QueueKey {
        QueueKey {
            class: self.class,
            network: self.client.address.map(network_of),
        }
    }

    /// What is counted of logins.
    pub(crate) fn login_metrics(&self) -> LoginMetrics {
        self.state.observers.metrics.logins.clone()
    }

    /// Parses the input, then runs a use case for a caller whose credential has `scope`, on a thread of the lane for the
    /// database: one hand-over, for authorization and work.
    ///
    /// The work runs a second time only if the first failed because the session was not proven to be valid.
    pub(crate) fn for_caller<T: Send + 'static>(
        self,
        scope: Scope,
        read: impl FnOnce(&Input) -> Result<T, Problem>,
        work: impl Fn(&App, &Caller, &T) -> Result<Reply, Problem> + Send + 'static,
    ) -> impl Future<Output = Result<Reply, Problem>> {
        let key = self.queue_key();
        let handler = handler_of(&work);
        let running = self
            .authorization()
            .map(|(state, trace, authorization, input)| {
                let Parsed {
                    subject,
                    value,
                    problem,
                } = Parsed::new(&input, read);
                let running = hand_over(&state, &trace, handler, key, database, move |state| {
                    authorization.run(state, scope, subject, value.as_ref(), work)
                });
                (state, trace, running, problem)
            });
        async {
            let (state, trace, running, invalid) = running?;
            let reply = Outcome::or_invalid(running.await, invalid)?;
            with_afterwards(&state, &trace, reply)
        }
    }

    /// Parses the input, then runs a use case for a caller who presents the credential of a session, on a thread of the
    /// lane that `lane` picks.
    pub(crate) fn for_session<T: Send + 'static>(
        self,
        lane: impl FnOnce(&Lanes) -> &Lane,
        read: impl FnOnce(&Input) -> Result<T, Problem>,
        work: impl FnOnce(&App, &SessionCaller, T) -> Result<Reply, Problem> + Send + 'static,
    ) -> impl Future<Output = Result<Reply, Problem>> {
        let key = QueueKey {
            class: QueueClass::Reserved,
            ..self.queue_key()
        };
        let client = self.client.clone();
        let handler = handler_of(&work);
        let running = self
            .authorization()
            .map(|(state, trace, authorization, input)| {
                let Parsed { value, problem, .. } = Parsed::new(&input, read);
                let running = hand_over(&state, &trace, handler, key, lane, move |state| {
                    let caller = authorization.session(&state.app, &client)?;
                    let Some(value) = value else {
                        return Ok(Outcome::InputInvalid);
                    };
                    work(&state.app, &caller, value).map(Outcome::Done)
                });
                (state, trace, running, problem)
            });
        async {
            let (state, trace, running, invalid) = running?;
            let reply = Outcome::or_invalid(running.await, invalid)?;
            with_afterwards(&state, &trace, reply)
        }
    }

    /// Parses the input, then runs a use case for anyone, on a thread of the lane that `lane` picks.
    pub(crate) fn for_anyone<T: Send + 'static>(
        self,
        lane: impl FnOnce(&Lanes) -> &Lane,
        read: impl FnOnce(&Input) -> Result<T, Problem>,
        work: impl FnOnce(&App, &Visitor, T) -> Result<Reply, Problem> + Send + 'static,
    ) -> impl Future<Output = Result<Reply, Problem>> {
        let key = self.queue_key();
        let Self {
            state,
            trace,
            client,
            shown,
            device,
            input,
            ..
        } = self;
        let handler = handler_of(&work);
        let session_cookie = shown.session_cookie();
        let actor = trace.actor().clone();
        let prepared = shown
            .into_credential()
            .and_then(|credential| Ok((credential, read(&input)?)));
        let running = prepared.map(|(credential, value)| {
            let visitor = Visitor {
                client,
                credential,
                session_cookie,
                device,
                actor,
            };
            let running = hand_over(&state, &trace, handler, key, lane, move |state| {
                work(&state.app, &visitor, value)
            });
            (state, trace, running)
        });
        async {
            let (state, trace, running) = running?;
            with_afterwards(&state, &trace, running.await?)
        }
    }

    /// What it takes to authorize the caller, and the input.
    pub(crate) fn authorization(
        self,
    ) -> Result<(Data<State>, Trace, Authorization, Input), Problem> {
        let authorization = Authorization {
            credential: self.shown.into_required_credential()?,
            rate_limits: self.rate_limits,
            actor: self.trace.actor().clone(),
        };
        Ok((self.state, self.trace, authorization, self.input))
    }
}

/// The lane in which use cases run that do nothing but talk to the database.
pub(crate) fn database(lanes: &Lanes) -> &Lane {
    &lanes.database
}

/// The lane in which use cases run that read all that a user has.
pub(crate) fn bulk(lanes: &Lanes) -> &Lane {
    &lanes.bulk
}

/// The lane in which use cases run that hash a password.
pub(crate) fn hashing(lanes: &Lanes) -> &Lane {
    &lanes.hashing
}

/// Hands work over to a lane at once, and gives what it gives.
pub(crate) fn hand_over<T, L, W>(
    state: &Data<State>,
    trace: &Trace,
    handler: &str,
    key: QueueKey,
    lane: L,
    work: W,
) -> impl Future<Output = Result<T, Problem>> + use<T, L, W>
where
    T: Send + 'static,
    L: FnOnce(&Lanes) -> &Lane,
    W: FnOnce(&State) -> Result<T, Problem> + Send + 'static,
{
    let span = trace.of_work(handler);
    let state_of_work = state.clone();
    let running = lane(&state.lanes).run_for(key, state.request_deadline, move || {
        span.in_scope(|| work(&state_of_work))
    });
    async move { running.await? }
}

/// The reply, after what is to follow it was put in the lane for mail.
pub(crate) fn with_afterwards(
    state: &State,
    trace: &Trace,
    mut reply: Reply,
) -> Result<Reply, Problem> {
    let Some(afterwards) = reply.take_afterwards() else {
        return Ok(reply);
    };
    let Afterwards {
        is_promised,
        class,
        handler,
        work,
    } = afterwards;
    let key = QueueKey {
        class,
        network: None,
    };
    let app = state.app.clone();
    let span = trace.of_work(handler);
    let posted = state.lanes.mail.post(key, move || {
        thread::sleep(PAUSE_AFTER_ANSWER);
        if let Err(problem) = span.in_scope(|| work(&app)) {
            let cause = problem.causes();
            error!(cause, "what was to be done after the answer failed");
        }
    });
    match posted {
        Err(error) if is_promised => Err(error.into()),
        Err(error) => {
            warn!(%error, "nothing is done after the answer");
            Ok(reply)
        }
        Ok(()) => Ok(reply),
    }
}

impl FromRequest for Request {
    type Error = Problem;
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut dev::Payload) -> Self::Future {
        ready(from_request(request).ok_or_else(Problem::internal))
    }
}

/// `None` when the server was put together wrongly: no state, or a body that was not read.
fn from_request(request: &HttpRequest) -> Option<Request> {
    let state = request.app_data::<Data<State>>()?.clone();
    let trace = request.extensions_mut().remove::<Trace>()?;
    Some(Request {
        trace,
        client: client(request, &state.trusted_proxies),
        class: QueueClass::default(),
        shown: Shown::by(request),
        device: shown_device(request),
        rate_limits: Some(Arc::clone(&state.rate_limits)),
        state,
        input: Input::of(request)?,
    })
}
