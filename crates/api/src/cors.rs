//! Which web pages may call from other origins (CORS).

use actix_cors::Cors;
use actix_web::http::{Method, header};
use todo_api_types::errors::{RATE_LIMIT, RATE_LIMIT_POLICY};

use crate::edge::REQUEST_ID;

/// The origins whose pages may call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CorsOrigins {
    /// Every origin, without credentials.
    Any,
    /// These origins, such as `https://todo.example.com`.
    Listed(Vec<String>),
}

impl CorsOrigins {
    /// Whether pages of this origin may call.
    pub(crate) fn contain(&self, origin: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Listed(origins) => origins.iter().any(|listed| listed == origin),
        }
    }
}

/// The methods that routes have, and no others.
const METHODS: [Method; 6] = [
    Method::GET,
    Method::HEAD,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
];

/// For how many seconds a browser may remember the answer to a preflight.
const MAX_AGE: usize = 3_600;

/// The middleware.
pub(crate) fn cors(origins: &CorsOrigins) -> Cors {
    let cors = Cors::default()
        .allowed_methods(METHODS)
        .allow_any_header()
        .expose_headers([
            header::ALLOW,
            header::ETAG,
            header::LINK,
            header::LOCATION,
            header::RETRY_AFTER,
            header::WWW_AUTHENTICATE,
            REQUEST_ID,
        ])
        .expose_headers([RATE_LIMIT, RATE_LIMIT_POLICY].map(|name| name.as_str().to_owned()))
        .max_age(MAX_AGE)
        // A page of another origin gets an answer without the headers that would let it read it, as browsers expect.
        .block_on_origin_mismatch(false);
    match origins {
        CorsOrigins::Any => cors.allow_any_origin().send_wildcard(),
        CorsOrigins::Listed(origins) => origins
            .iter()
            .fold(cors, |cors, origin| cors.allowed_origin(origin))
            .supports_credentials(),
    }
}
