//! Which route a request took.

use std::sync::Arc;

use actix_web::HttpRequest;
use prometheus_client::encoding::{EncodeLabelValue, LabelValueEncoder};

/// The template of a route, such as `/api/tasks/{id}`. Cloning it is cheap.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Route(Option<Arc<str>>);

impl Route {
    /// The route of what is no route.
    pub(crate) const NONE: Self = Self(None);

    /// The route of this template.
    pub(crate) fn new(template: &str) -> Self {
        Self(Some(template.into()))
    }

    /// The route that a request took, after it was answered; where it was answered before it got there (a preflight,
    /// or one too many), the route that it wanted.
    pub(crate) fn of(request: &HttpRequest) -> Self {
        let taken = request.app_data().cloned();
        let wanted = || request.match_pattern().map(|template| Self::new(&template));
        taken.or_else(wanted).unwrap_or(Self::NONE)
    }

    /// The template, if it is a route.
    pub(crate) fn template(&self) -> Option<&str> {
        self.0.as_deref()
    }

    /// The template, or `none`.
    pub(crate) fn as_str(&self) -> &str {
        self.template().unwrap_or("none")
    }
}

impl EncodeLabelValue for Route {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        self.as_str().encode(encoder)
    }
}
