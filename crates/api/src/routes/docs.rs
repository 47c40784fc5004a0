//! The OpenAPI document, and a page to try the API on that loads nothing from elsewhere.

use std::{
    borrow::Cow,
    sync::{Arc, LazyLock},
};

use actix_web::{
    HttpResponse,
    http::header::{self, HeaderName},
    web::{Bytes, Path},
};
use http::StatusCode;
use todo_api_types::problem::Problem;
use utoipa_swagger_ui::Config;

use crate::{edge::Shared, openapi::openapi_json, problem_response::ProblemResponse};

/// The page brings its own scripts and styles, and calls nothing but this server.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
     img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

const CROSS_ORIGIN_OPENER_POLICY: HeaderName =
    HeaderName::from_static("cross-origin-opener-policy");

pub(crate) async fn openapi() -> HttpResponse {
    static DOCUMENT: LazyLock<String> = LazyLock::new(openapi_json);
    HttpResponse::Ok()
        .content_type("application/json")
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .body(DOCUMENT.as_str())
}

pub(crate) async fn redirect() -> HttpResponse {
    HttpResponse::PermanentRedirect()
        .insert_header((header::LOCATION, "/api/docs/"))
        .finish()
}

pub(crate) async fn file(path: Path<String>) -> Result<HttpResponse, ProblemResponse> {
    static CONFIG: LazyLock<Arc<Config<'static>>> = LazyLock::new(|| {
        Arc::new(
            Config::from("/api/openapi.json")
                // The validator is a service elsewhere.
                .validator_url("none")
                .display_request_duration(true)
                // Else a token outlives the page, where any script of this origin can read it.
                .persist_authorization(false)
                .try_it_out_enabled(true),
        )
    });
    let file = utoipa_swagger_ui::serve(&path, Arc::clone(&CONFIG))
        .map_err(|error| Problem::internal().caused_by(error.to_string()))?
        .ok_or_else(|| Problem::of_status(StatusCode::NOT_FOUND, None))?;
    // The files are part of the program, so responses share their bytes.
    let bytes = match file.bytes {
        Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        Cow::Owned(bytes) => Bytes::from(bytes),
    };
    let mut response = HttpResponse::Ok();
    response.extensions_mut().insert(Shared);
    Ok(response
        .content_type(file.content_type.as_str())
        .insert_header((header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY))
        .insert_header((CROSS_ORIGIN_OPENER_POLICY, "same-origin"))
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .body(bytes))
}
