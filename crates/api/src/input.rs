//! What a client sends for a use case to work on.

use std::str::FromStr;

use actix_web::{
    HttpMessage, HttpRequest,
    http::header::{self, HeaderName},
};
use serde_json::Value;
use todo_api_types::{
    fields::Fields,
    json::parse_object,
    problem::Problem,
    query::{parse_query, write_parameter},
};
use todo_application::todo::{IdempotentRequest, Precondition};
use todo_domain::{IdempotencyKey, UserId};

use crate::{
    body::Body,
    etag::{self, IfNoneMatch},
};

const JSON: &str = "application/json";
/// draft-ietf-httpapi-idempotency-key-header
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const MERGE_PATCH: &str = "application/merge-patch+json";

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

impl Input {
    /// What a request brings; `None` when its body was not read.
    pub(crate) fn of(request: &HttpRequest) -> Option<Self> {
        let part = |name| request.match_info().get(name).map(ToOwned::to_owned);
        Some(Self {
            id: part("id"),
            user_id: part("user_id"),
            query: request.query_string().to_owned(),
            path: request.path().to_owned(),
            content_type: header_text(request, header::CONTENT_TYPE),
            idempotency_key: header_text(request, IDEMPOTENCY_KEY),
            if_match: header_text(request, header::IF_MATCH),
            if_none_match: header_text(request, header::IF_NONE_MATCH),
            body: request.extensions_mut().remove::<Body>()?,
        })
    }

    /// Whether the query may have a parameter of this name, as far as its undecoded text shows.
    pub(crate) fn may_have_parameter(&self, name: &str) -> bool {
        self.query
            .split('&')
            .filter_map(|parameter| parameter.split('=').next())
            .any(|found| found == name || found.contains('%'))
    }

    /// The user whom the path names, if it names one.
    pub(crate) fn user_id(&self) -> Result<Option<UserId>, Problem> {
        let named = self.user_id.as_deref();
        named
            .map(|user_id| parse_path("user_id", user_id))
            .transpose()
    }

    /// What the path names by its id.
    pub(crate) fn id<T: FromStr<Err: std::fmt::Display>>(&self) -> Result<T, Problem> {
        parse_path("id", self.id.as_deref().unwrap_or_default())
    }

    /// What the client demands of the task before it is changed.
    pub(crate) fn precondition(&self) -> Result<Precondition, Problem> {
        etag::if_match(self.if_match.as_deref())
            .map_err(|error| Problem::invalid_field("If-Match", error))
    }

    /// The entity tags of representations that the client has.
    pub(crate) fn if_none_match(&self) -> Result<IfNoneMatch, Problem> {
        IfNoneMatch::parse(self.if_none_match.as_deref())
            .map_err(|error| Problem::invalid_field("If-None-Match", error))
    }

    /// The target of the request, to which the cursor of another page can be added.
    pub(crate) fn page_uri(&self) -> Result<PageUri, Problem> {
        let mut uri = format!("{}?", self.path);
        for (name, value) in parse_query(&self.query)? {
            if let (false, Some(value)) = (
                ["cursor", "offset"].contains(&name.as_str()),
                value.as_str(),
            ) {
                write_parameter(&mut uri, &name, value);
            }
        }
        Ok(PageUri(uri))
    }

    /// Makes sure that there is neither a query nor a body, which an empty object is as good as.
    pub(crate) fn nothing(&self) -> Result<(), Problem> {
        self.no_idempotency_key()?;
        self.no_query()?;
        self.no_body()
    }

    /// The id in the path, of a request that has neither a query nor a body.
    pub(crate) fn id_alone<T: FromStr<Err: std::fmt::Display>>(&self) -> Result<T, Problem> {
        let id = self.id()?;
        self.nothing()?;
        Ok(id)
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
    ) -> Result<(T, Option<IdempotentRequest>), Problem> {
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

    fn once(&self) -> Result<Option<IdempotentRequest>, Problem> {
        let Some(key) = &self.idempotency_key else {
            return Ok(None);
        };
        let key = IdempotencyKey::new(key)
            .map_err(|error| Problem::invalid_field("Idempotency-Key", error))?;
        let request = format!("{} {}", self.path, etag::of_bytes(self.body.bytes()?));
        Ok(Some(IdempotentRequest { key, request }))
    }

    fn no_idempotency_key(&self) -> Result<(), Problem> {
        match self.idempotency_key {
            None => Ok(()),
            Some(_) => Err(Problem::invalid_field(
                "Idempotency-Key",
                "is not supported on this route",
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

/// The target of a request for a page, without its cursor.
#[derive(Debug)]
pub(crate) struct PageUri(String);

impl PageUri {
    /// The target of the page that starts at `cursor`.
    pub(crate) fn with_cursor(&self, cursor: &str) -> String {
        let mut uri = self.0.clone();
        write_parameter(&mut uri, "cursor", cursor);
        uri.pop();
        uri
    }
}

fn parse_path<T: FromStr<Err: std::fmt::Display>>(
    name: &'static str,
    text: &str,
) -> Result<T, Problem> {
    text.parse()
        .map_err(|error| Problem::invalid_field(name, error))
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
