//! Requests: from what actix hands over to one use case on one thread.

use std::{
    future::{Ready, ready},
    str::FromStr,
    sync::Arc,
};

use actix_web::{
    FromRequest, HttpMessage, HttpRequest, dev,
    http::header::{self, HeaderName},
    web::Data,
};
use serde_json::Value;
use todo_application::{
    App, Caller, SessionCaller,
    account::{Authenticated, Credential, act, authenticate_session},
    todo::{Precondition, WantedOnce},
};
use todo_domain::{Client, IdempotencyKey, Scope, Secret, UserId};
use tracing::{error, warn};

use crate::{
    Lanes, State,
    body::{Body, parse_object},
    client::client,
    credentials::{Shown, shown_device},
    errors::not_authenticated,
    etag,
    fields::Fields,
    lane::Lane,
    metrics::LoginMetrics,
    problem::Problem,
    query::{parse_query, write_parameter},
    rate_limits::{RateLimited, RateLimits},
    reply::{Afterwards, Reply},
    trace::{Trace, handler_of},
};

const JSON: &str = "application/json";
/// draft-ietf-httpapi-idempotency-key-header
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const MERGE_PATCH: &str = "application/merge-patch+json";

/// A request, its body read.
#[derive(Debug)]
pub(crate) struct Request {
    state: Data<State>,
    trace: Trace,
    client: Client,
    shown: Shown,
    device: Option<Secret>,
    /// What it is counted in for its user, if it is.
    rate_limits: Option<Arc<RateLimits>>,
    input: Input,
}

/// Whoever makes a request that anyone may make.
#[derive(Debug)]
pub(crate) struct Visitor {
    /// What the request comes from.
    pub(crate) client: Client,
    /// What it shows all the same.
    pub(crate) credential: Option<Credential>,
    /// What its device shows to be known again.
    pub(crate) device: Option<Secret>,
}

/// What a client sent for a use case to work on. Each handler reads it by one method, which refuses all else: a query or
/// a body where there is to be none, and an `Idempotency-Key` where the route does not have it.
#[derive(Debug)]
pub(crate) struct Input {
    id: Option<String>,
    user_id: Option<String>,
    query: String,
    path: String,
    content_type: Option<String>,
    idempotency_key: Option<String>,
    if_match: Option<String>,
    if_none_match: Option<String>,
    body: Body,
}

impl Request {
    /// The same, but not counted for its user: for what ends sessions and tokens, which is to be possible while whoever
    /// has got hold of one uses up what the user may do.
    pub(crate) fn not_counted_for_user(self) -> Self {
        Self {
            rate_limits: None,
            ..self
        }
    }

    /// What is counted of logins.
    pub(crate) fn login_metrics(&self) -> LoginMetrics {
        self.state.observers.metrics.logins.clone()
    }

    /// Runs a use case for whoever shows a credential that is good for `scope`, in the lane for the database: one
    /// hand-over to one thread, for finding out who calls and for what they want.
    ///
    /// It may be run twice, and is so only where it failed with what is the client's fault; then it must have changed
    /// nothing.
    pub(crate) async fn for_caller(
        self,
        scope: Scope,
        work: impl Fn(&App, &Caller, &Input) -> Result<Reply, Problem> + Send + 'static,
    ) -> Result<Reply, Problem> {
        let Self {
            state,
            trace,
            shown,
            rate_limits,
            input,
            ..
        } = self;
        let credential = shown.into_credential()?.ok_or_else(not_authenticated)?;
        let lane = &state.lanes.database;
        let handler = handler_of(&work);
        let seen = Arc::clone(&state.seen_sessions);
        run(&state, &trace, handler, lane, move |app| {
            let admit = |user| Ok(count(rate_limits.as_deref(), user)?);
            act(app, &seen, &credential, scope, admit, |authenticated| {
                let caller = noted(authenticated);
                if let Some(user_id) = &input.user_id {
                    caller.must_be(parse_path::<UserId>("user_id", user_id)?)?;
                }
                work(app, &caller, &input)
            })
        })
        .await
    }

    /// Runs a use case for whoever shows that they have a session, in the lane that `lane` picks.
    pub(crate) async fn for_session(
        self,
        lane: impl FnOnce(&Lanes) -> &Lane,
        work: impl FnOnce(&App, &SessionCaller, &Input) -> Result<Reply, Problem> + Send + 'static,
    ) -> Result<Reply, Problem> {
        let Self {
            state,
            trace,
            client,
            shown,
            rate_limits,
            input,
            ..
        } = self;
        let credential = shown.into_credential()?.ok_or_else(not_authenticated)?;
        let lane = lane(&state.lanes);
        let handler = handler_of(&work);
        run(&state, &trace, handler, lane, move |app| {
            let caller = noted(authenticate_session(app, &credential, &client)?);
            count(rate_limits.as_deref(), caller.user_id())?;
            work(app, &caller, &input)
        })
        .await
    }

    /// Runs a use case for anyone, in the lane that `lane` picks.
    pub(crate) async fn for_anyone(
        self,
        lane: impl FnOnce(&Lanes) -> &Lane,
        work: impl FnOnce(&App, &Visitor, &Input) -> Result<Reply, Problem> + Send + 'static,
    ) -> Result<Reply, Problem> {
        let Self {
            state,
            trace,
            client,
            shown,
            device,
            input,
            ..
        } = self;
        let credential = shown.into_credential()?;
        let visitor = Visitor {
            client,
            credential,
            device,
        };
        let lane = lane(&state.lanes);
        let handler = handler_of(&work);
        run(&state, &trace, handler, lane, move |app| {
            work(app, &visitor, &input)
        })
        .await
    }
}

/// The lane in which use cases run that do nothing but talk to the database.
pub(crate) fn database(lanes: &Lanes) -> &Lane {
    &lanes.database
}

/// The lane in which use cases run that hash a password.
pub(crate) fn hashing(lanes: &Lanes) -> &Lane {
    &lanes.hashing
}

/// Who calls, after it was logged if something that they need not care about went wrong.
fn noted<C>(authenticated: Authenticated<C>) -> C {
    if let Some(failure) = authenticated.use_not_recorded {
        let cause = Problem::from(failure).causes();
        warn!(
            cause,
            "it is not recorded that a session or a token was used"
        );
    }
    authenticated.caller
}

/// Counts a request for its user, where it is to be.
fn count(rate_limits: Option<&RateLimits>, user: UserId) -> Result<(), RateLimited> {
    rate_limits.map_or(Ok(()), |limits| limits.count_user(user))
}

async fn run(
    state: &State,
    trace: &Trace,
    handler: &str,
    lane: &Lane,
    work: impl FnOnce(&App) -> Result<Reply, Problem> + Send + 'static,
) -> Result<Reply, Problem> {
    let app = state.app.clone();
    let span = trace.of_work(handler);
    let reply = lane
        .run(state.request_deadline, move || span.in_scope(|| work(&app)))
        .await??;
    with_afterwards(state, trace, reply)
}

/// The reply, after what is to follow it was put in the lane for mail.
fn with_afterwards(state: &State, trace: &Trace, mut reply: Reply) -> Result<Reply, Problem> {
    let Some(afterwards) = reply.take_afterwards() else {
        return Ok(reply);
    };
    let Afterwards {
        is_promised,
        handler,
        work,
    } = afterwards;
    let app = state.app.clone();
    let span = trace.of_work(handler);
    let posted = state.lanes.mail.post(move || {
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

impl Input {
    /// What the path names by its id.
    pub(crate) fn id<T: FromStr<Err: std::fmt::Display>>(&self) -> Result<T, Problem> {
        parse_path("id", self.id.as_deref().unwrap_or_default())
    }

    /// What the client demands of the task before it is changed.
    pub(crate) fn precondition(&self) -> Result<Precondition, Problem> {
        etag::if_match(self.if_match.as_deref())
            .map_err(|error| Problem::invalid_field("If-Match", error))
    }

    /// The reply with its entity tag, or 304 when the client has it already.
    pub(crate) fn unless_known(&self, reply: Reply, etag: String) -> Result<Reply, Problem> {
        let is_known = etag::none_match_names(self.if_none_match.as_deref(), &etag)
            .map_err(|error| Problem::invalid_field("If-None-Match", error))?;
        let reply = reply.with_etag(etag);
        Ok(if is_known {
            reply.not_modified()
        } else {
            reply
        })
    }

    /// The target of the request with another cursor, for the next page.
    pub(crate) fn uri_with_cursor(&self, cursor: &str) -> Result<String, Problem> {
        let mut uri = format!("{}?", self.path);
        for (name, value) in parse_query(&self.query)? {
            if let (false, Some(value)) = (
                ["cursor", "offset"].contains(&name.as_str()),
                value.as_str(),
            ) {
                write_parameter(&mut uri, &name, value);
            }
        }
        write_parameter(&mut uri, "cursor", cursor);
        uri.pop();
        Ok(uri)
    }

    /// Makes sure that there is neither a query nor a body, which an empty object is as good as.
    pub(crate) fn nothing(&self) -> Result<(), Problem> {
        self.no_idempotency_key()?;
        self.no_query()?;
        self.no_body()
    }

    /// Reads the query, and makes sure that there is no body.
    pub(crate) fn query<T>(
        &self,
        reader: impl FnOnce(&mut Fields) -> Option<T>,
    ) -> Result<T, Problem> {
        self.no_idempotency_key()?;
        self.no_body()?;
        Fields::read(parse_query(&self.query)?, reader)
    }

    /// Reads the body as JSON, and makes sure that there is no query.
    pub(crate) fn body<T>(
        &self,
        reader: impl FnOnce(&mut Fields) -> Option<T>,
    ) -> Result<T, Problem> {
        self.no_idempotency_key()?;
        self.json(&[JSON], reader)
    }

    /// Reads the body as JSON where there is one, which else is as good as an empty object; makes sure that there is no
    /// query.
    pub(crate) fn body_if_any<T>(
        &self,
        reader: impl FnOnce(&mut Fields) -> Option<T>,
    ) -> Result<T, Problem> {
        if self.body.bytes()?.is_empty() {
            self.no_idempotency_key()?;
            self.no_query()?;
            return Fields::read(Vec::new(), reader);
        }
        self.body(reader)
    }

    /// Reads the body as JSON, and how the request is told from others where it is to have its effect once; makes sure
    /// that there is no query.
    pub(crate) fn body_once<T>(
        &self,
        reader: impl FnOnce(&mut Fields) -> Option<T>,
    ) -> Result<(T, Option<WantedOnce>), Problem> {
        Ok((self.json(&[JSON], reader)?, self.once()?))
    }

    /// Reads the body as a JSON merge patch (RFC 7396), and makes sure that there is no query.
    pub(crate) fn merge_patch<T>(
        &self,
        reader: impl FnOnce(&mut Fields) -> Option<T>,
    ) -> Result<T, Problem> {
        self.no_idempotency_key()?;
        self.json(&[JSON, MERGE_PATCH], reader)
    }

    fn json<T>(
        &self,
        accepted: &[&str],
        reader: impl FnOnce(&mut Fields) -> Option<T>,
    ) -> Result<T, Problem> {
        self.no_query()?;
        Fields::read(self.object(accepted)?, reader)
    }

    fn once(&self) -> Result<Option<WantedOnce>, Problem> {
        let Some(key) = &self.idempotency_key else {
            return Ok(None);
        };
        let key = IdempotencyKey::new(key)
            .map_err(|error| Problem::invalid_field("Idempotency-Key", error))?;
        let request = format!("{} {}", self.path, etag::of_bytes(self.body.bytes()?));
        Ok(Some(WantedOnce { key, request }))
    }

    fn no_idempotency_key(&self) -> Result<(), Problem> {
        match self.idempotency_key {
            None => Ok(()),
            Some(_) => Err(Problem::invalid_field(
                "Idempotency-Key",
                "is not known on this route",
            )),
        }
    }

    fn object(&self, accepted: &[&str]) -> Result<Vec<(String, Value)>, Problem> {
        parse_object(self.body.bytes()?, self.content_type.as_deref(), accepted)
    }

    fn no_query(&self) -> Result<(), Problem> {
        Fields::read(parse_query(&self.query)?, |_| Some(()))
    }

    fn no_body(&self) -> Result<(), Problem> {
        if self.body.bytes()?.is_empty() {
            return Ok(());
        }
        Fields::read(self.object(&[JSON])?, |_| Some(()))
    }
}

fn parse_path<T: FromStr<Err: std::fmt::Display>>(
    name: &'static str,
    text: &str,
) -> Result<T, Problem> {
    text.parse()
        .map_err(|error| Problem::invalid_field(name, error))
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
    let part = |name| request.match_info().get(name).map(ToOwned::to_owned);
    let state = request.app_data::<Data<State>>()?.clone();
    let trace = request.extensions_mut().remove::<Trace>()?;
    Some(Request {
        trace,
        client: client(request, &state.trusted_proxies),
        shown: Shown::by(request),
        device: shown_device(request),
        rate_limits: Some(Arc::clone(&state.rate_limits)),
        state,
        input: Input {
            id: part("id"),
            user_id: part("user_id"),
            query: request.query_string().to_owned(),
            path: request.path().to_owned(),
            content_type: header_text(request, header::CONTENT_TYPE),
            idempotency_key: header_text(request, IDEMPOTENCY_KEY),
            if_match: header_text(request, header::IF_MATCH),
            if_none_match: header_text(request, header::IF_NONE_MATCH),
            body: request.extensions_mut().remove::<Body>()?,
        },
    })
}

/// A header, all of its lines as one list.
fn header_text(request: &HttpRequest, name: HeaderName) -> Option<String> {
    let lines: Vec<_> = request
        .headers()
        .get_all(name)
        .map(|value| String::from_utf8_lossy(value.as_bytes()))
        .collect();
    (!lines.is_empty()).then(|| lines.join(", "))
}
