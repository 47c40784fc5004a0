//! What every request and every answer passes: the outermost middleware.
//!
//! It names the request, reads its body, keeps the budget of bytes, writes problems out, adds the headers that every answer has, and logs one line.

use std::{mem, net::IpAddr, time::Instant};

use actix_web::{
    Error, HttpMessage, HttpResponse,
    body::{BodySize, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        ConnectionType, StatusCode,
        header::{self, HeaderMap, HeaderName, HeaderValue},
    },
    middleware::Next,
    web::Data,
};
use todo_api_types::{errors::no_room_for_response, problem::Problem};
use todo_domain::UserId;
use tracing::{Instrument, error, info, info_span};
use uuid::Uuid;

use crate::{
    State,
    body::Body,
    budget::{Reservation, SMALL},
    client::address,
    connection::ConnectionHandle,
    metrics::{BufferMetrics, Refused, Route},
    problem_response::ProblemResponse,
    response_body::ResponseBody,
    trace::{self, record_response},
};

/// Names a request, in its answer and in the log.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Headers that every answer has, unless its handler set them.
const SECURITY_HEADERS: [(HeaderName, &str); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; frame-ancestors 'none'",
    ),
    (
        // CORS is not touched by it: it is about what pages of other origins embed.
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
];

/// In the extensions of a response: its body is a part of the program, and takes no memory of its own.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shared;

/// The middleware.
pub(crate) async fn edge<B: MessageBody + 'static>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<ResponseBody>, Error> {
    let began = Instant::now();
    let request_id = request_id(request.headers());
    // Only where the server is put together wrongly there is none.
    let Some(state) = request.app_data::<Data<State>>().cloned() else {
        return Err(ProblemResponse(Problem::internal()).into());
    };
    let client = address(request.request(), &state.trusted_proxies);
    let connection = request.conn_data::<ConnectionHandle>().cloned();
    let (metrics, tracer) = (&state.metrics, &state.runtime.tracer);
    let (under_way, body, budget) = (metrics.requests.begin(), state.body, &state.budget);
    let trace = trace::begin(tracer, request.method(), request.headers(), &request_id);
    let span = info_span!("request", id = %request_id, trace_id = trace.id());
    give_back_room(request.headers_mut());
    async move {
        if let Some(connection) = &connection {
            connection.begin_request().await;
        }
        let reservation = || {
            let peer = connection.as_ref().and_then(ConnectionHandle::peer);
            budget.reservation(peer)
        };
        let (body, is_request_read) = Body::read(request.take_payload(), body, reservation()).await;
        if matches!(body, Body::Refused) {
            metrics.buffers.refuse(Refused::Request);
        }
        if let (Some(connection), true) = (&connection, is_request_read) {
            connection.end_request();
        }
        request.extensions_mut().insert(body);
        request.extensions_mut().insert(trace.clone());
        // Whatever a handler, the router or a middleware refuses comes as a response; only a fault in how these are put
        // together would be an error here. (A copy of the request, to answer that with, would break the router.)
        let response = next.call(request).await?.map_into_boxed_body();
        let (response, reservation) = reserve(response, reservation, &metrics.buffers);
        let (mut response, code) = write_problem_out(response, &request_id);
        add_headers(response.headers_mut(), &request_id);
        if !is_request_read {
            let head = response.response_mut().head_mut();
            head.set_connection_type(ConnectionType::Close);
        }
        let route = Route::of(response.request());
        let user = trace.actor().user();
        log(&response, route.as_str(), (client, user), code, began);
        let (method, status) = (response.request().method(), response.status());
        record_response(&trace, &route, method, status, code);
        under_way.answered(route, method, status, code);
        let guard = match connection {
            Some(connection) => Some(connection.begin_response().await),
            None => None,
        };
        Ok(response.map_body(|_, body| ResponseBody::new(body, reservation, guard)))
    }
    .instrument(span)
    .await
}

/// Reserves the room that the body of a response takes until it is written. Where there is none, the response is refused.
fn reserve(
    response: ServiceResponse,
    reservation: impl FnOnce() -> Reservation,
    metrics: &BufferMetrics,
) -> (ServiceResponse, Option<Reservation>) {
    let size = match response.response().body().size() {
        BodySize::Sized(size) => usize::try_from(size).unwrap_or(usize::MAX),
        BodySize::None | BodySize::Stream => return (response, None),
    };
    if size <= SMALL || response.response().extensions().contains::<Shared>() {
        return (response, None);
    }
    let mut reservation = reservation();
    if reservation.try_grow(size) {
        return (response, Some(reservation));
    }
    metrics.refuse(Refused::Response);
    let (request, refused) = response.into_parts();
    let problem = no_room_for_response(request.method().is_safe());
    let mut response = HttpResponse::from_error(ProblemResponse(problem));
    for (name, value) in refused.headers() {
        // Else the page of another origin could not read why.
        if name == header::VARY || name.as_str().starts_with("access-control-") {
            response.headers_mut().append(name.clone(), value.clone());
        }
    }
    (ServiceResponse::new(request, response), None)
}

/// Gives back most of the room that actix makes for headers. It is 6.6 KiB, for 16 of four values each, which thousands
/// of requests that wait would hold; few clients send more than half of that. (What is given back stays so: actix uses
/// heads again.)
fn give_back_room(headers: &mut HeaderMap) {
    let count = headers.len_keys();
    if headers.capacity() >= 2 * count.max(4) {
        let all = mem::replace(headers, HeaderMap::with_capacity(count));
        for (name, value) in all {
            headers.append(name, value);
        }
    }
}

/// The id that the client gave, if it is one that can be printed anywhere; else a new one.
fn request_id(headers: &HeaderMap) -> String {
    const MAX_LENGTH: usize = 128;
    headers
        .get(REQUEST_ID)
        .and_then(|id| id.to_str().ok())
        .filter(|id| {
            (1..=MAX_LENGTH).contains(&id.len())
                && id
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        })
        .map_or_else(new_request_id, ToOwned::to_owned)
}

#[expect(
    clippy::disallowed_methods,
    reason = "it names a request on the wire and nothing in the domain"
)]
fn new_request_id() -> String {
    Uuid::new_v4().to_string()
}

/// Gives an answer that is an error its body, and says its code. What else is in its head (`Allow`, CORS) stays.
fn write_problem_out(
    response: ServiceResponse,
    request_id: &str,
) -> (ServiceResponse, Option<&'static str>) {
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return (response, None);
    }
    let error = response.response().error();
    let of_framework;
    let problem = if let Some(problem) = error.and_then(Error::as_error::<ProblemResponse>) {
        log_causes(&problem.0);
        problem
    } else {
        let text = error.map(ToString::to_string);
        of_framework = Problem::of_status(problem_status(status), text).into();
        &of_framework
    };
    let (problem_response, code) = (problem.response(request_id), problem.0.code());
    let (request, bare) = response.into_parts();
    let response = with_head_of(problem_response, bare.headers());
    (ServiceResponse::new(request, response), Some(code))
}

/// The status of a problem, which has the same range.
fn problem_status(status: StatusCode) -> http::StatusCode {
    http::StatusCode::from_u16(status.as_u16()).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR)
}

fn with_head_of(mut response: HttpResponse, head: &HeaderMap) -> HttpResponse {
    for (name, value) in head {
        if !response.headers().contains_key(name) {
            response.headers_mut().insert(name.clone(), value.clone());
        }
    }
    response
}

fn add_headers(headers: &mut HeaderMap, request_id: &str) {
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert(REQUEST_ID, id);
    }
    for (name, value) in SECURITY_HEADERS {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
}

fn log_causes(problem: &Problem) {
    if problem.status().is_server_error() {
        error!(
            status = problem.status().as_u16(),
            cause = problem.causes(),
            "{problem}"
        );
    }
}

/// One line a request: who, what and how it ended (OWASP ASVS 5.0, 16.2.1). Neither the path as sent nor the query is in it:
/// they may tell what is nobody's business.
fn log(
    response: &ServiceResponse,
    route: &str,
    (address, user): (Option<IpAddr>, Option<UserId>),
    code: Option<&'static str>,
    began: Instant,
) {
    info!(
        method = %response.request().method(),
        route,
        status = response.status().as_u16(),
        code,
        address = address.map(display),
        user = user.map(display),
        microseconds = began.elapsed().as_micros(),
        "answered"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_given_back_and_no_header() {
        let mut headers = HeaderMap::with_capacity(16);
        for (name, value) in [("accept", "a"), ("cookie", "b"), ("accept", "c")] {
            headers.append(
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            );
        }
        give_back_room(&mut headers);
        assert!(headers.capacity() < 8, "{}", headers.capacity());
        let all = |name| headers.get_all(name).collect::<Vec<_>>();
        assert_eq!(all("accept"), ["a", "c"]);
        assert_eq!(all("cookie"), ["b"]);
        assert_eq!(headers.len(), 3);
    }
}
