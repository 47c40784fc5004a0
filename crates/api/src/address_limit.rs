//! The middleware that limits the requests of one address.

use actix_web::{
    Error,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    middleware::Next,
    web::Data,
};
use todo_runtime::RateLimited;

use crate::{State, client::address, problem_response::ProblemResponse};

/// Where requests are not counted, by how their paths begin: an operator's probe or another service's look at the keys
/// is never to find that somebody else was too busy.
const NOT_COUNTED: [&str; 2] = ["/health/", "/.well-known/"];

/// The middleware that counts by address. It is inside of `cors`, so that pages may read what it refuses, and that
/// preflights do not come here.
pub(crate) async fn limit_address<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    match count(&request) {
        Ok(()) => Ok(next.call(request).await?.map_into_boxed_body()),
        Err(limited) => Ok(request.error_response(ProblemResponse(limited.into()))),
    }
}

fn count(request: &ServiceRequest) -> Result<(), RateLimited> {
    let is_counted = !NOT_COUNTED
        .iter()
        .any(|beginning| request.path().starts_with(beginning));
    match request.app_data::<Data<State>>() {
        Some(state) if is_counted => {
            let address = address(request.request(), &state.trusted_proxies);
            state.runtime.rate_limits.count_address(address)
        }
        _ => Ok(()),
    }
}
