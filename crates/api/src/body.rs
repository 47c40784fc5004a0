//! Bodies: reading them within bounds, and parsing them as strict JSON.

use std::{fmt, time::Duration};

use actix_web::{dev::Payload, http::StatusCode, web::Bytes};
use futures_util::StreamExt;
use mime::Mime;
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use crate::{
    budget::{Reservation, SMALL},
    errors::no_room,
    fields::kind,
    problem::Problem,
    violations::{MAX_NAME_CHARACTERS, truncated},
};

/// What is bounded about a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodySettings {
    /// The largest body in bytes.
    pub limit: usize,
    /// Within which time it must have arrived.
    pub deadline: Duration,
}

/// A body, or why it was not taken.
#[derive(Debug)]
pub(crate) enum Body {
    Read(ReadBody),
    TooLarge {
        limit: usize,
    },
    TooSlow,
    Broken,
    /// There was no room for it.
    Refused,
}

/// A body that was read. Its part of the budget is given back with it.
#[derive(Debug)]
pub(crate) struct ReadBody {
    bytes: Bytes,
    _reservation: Reservation,
}

/// A body over the limit is still read, up to so many times the limit: an answer that is sent before would be lost when
/// the connection is closed under the client, which is still sending.
const READ_PAST_LIMIT: usize = 8;

impl Body {
    /// Reads a body to its end, or gives up when it is far too long or too slow; whether it came to its end.
    pub(crate) async fn read(
        mut payload: Payload,
        settings: BodySettings,
        reservation: Reservation,
    ) -> (Self, bool) {
        let BodySettings { limit, deadline } = settings;
        let deadline = Instant::now() + deadline;
        let mut body = Some(GrowingBody {
            bytes: Vec::new(),
            limit,
            reservation,
        });
        let mut length = 0;
        loop {
            let chunk = match timeout_at(deadline, payload.next()).await {
                Ok(Some(Ok(chunk))) => chunk,
                Ok(Some(Err(_))) => return (Self::Broken, false),
                Ok(None) if length > limit => return (Self::TooLarge { limit }, true),
                Ok(None) => return (body.map_or(Self::Refused, GrowingBody::finish), true),
                Err(_) => return (Self::TooSlow, false),
            };
            length += chunk.len();
            if length > limit.saturating_mul(READ_PAST_LIMIT) {
                return (Self::TooLarge { limit }, false);
            }
            // What is not kept is read all the same.
            body = body.and_then(|body| body.with(&chunk));
        }
    }

    /// The bytes that were read.
    pub(crate) fn bytes(&self) -> Result<&Bytes, Problem> {
        match self {
            Self::Read(body) => Ok(&body.bytes),
            Self::TooLarge { limit } => Err(Problem::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "body_too_large",
                format!("The body must have at most {limit} bytes"),
            )),
            Self::TooSlow => Err(Problem::new(
                StatusCode::REQUEST_TIMEOUT,
                "body_too_slow",
                "The body was not received in time",
            )),
            Self::Broken => Err(Problem::new(
                StatusCode::BAD_REQUEST,
                "body_broken",
                "The body is incomplete",
            )),
            Self::Refused => Err(no_room()),
        }
    }
}

/// A body that is being read.
struct GrowingBody {
    bytes: Vec<u8>,
    limit: usize,
    reservation: Reservation,
}

impl GrowingBody {
    /// The body with another chunk; `None` where it is too large, or there is no room for it.
    fn with(mut self, chunk: &[u8]) -> Option<Self> {
        let length = self.bytes.len() + chunk.len();
        if length > self.limit {
            return None;
        }
        if length > self.bytes.capacity() && length > SMALL {
            let capacity = (2 * length).min(self.limit);
            if !self.reservation.try_grow(capacity) {
                return None;
            }
            self.bytes.reserve_exact(capacity - self.bytes.len());
        }
        self.bytes.extend_from_slice(chunk);
        Some(self)
    }

    fn finish(self) -> Body {
        Body::Read(ReadBody {
            bytes: self.bytes.into(),
            _reservation: self.reservation,
        })
    }
}

/// Parses a body that must be a JSON object into its fields, in their order and with repeated ones.
///
/// `accepted` are the media types that it may have.
pub(crate) fn parse_object(
    body: &[u8],
    content_type: Option<&str>,
    accepted: &[&str],
) -> Result<Vec<(String, Value)>, Problem> {
    if body.is_empty() {
        return Err(Problem::new(
            StatusCode::BAD_REQUEST,
            "empty_body",
            "The body is empty; send a JSON object",
        ));
    }
    check_content_type(content_type, accepted)?;
    let text = std::str::from_utf8(body).map_err(|error| {
        Problem::new(
            StatusCode::BAD_REQUEST,
            "malformed_json",
            format!("The body is not UTF-8 after byte {}", error.valid_up_to()),
        )
    })?;
    if has_more_values_than(MAX_VALUES, body) {
        let message = format!("must contain at most {MAX_VALUES} values");
        return Err(Problem::invalid_field("body", message));
    }
    if text.trim_start().starts_with('{') {
        let Members(members) = serde_json::from_str(text).map_err(|error| malformed(&error))?;
        return Ok(members);
    }
    let value: Value = serde_json::from_str(text).map_err(|error| malformed(&error))?;
    let message = format!("must be a JSON object, not {}", kind(&value));
    Err(Problem::invalid_field("body", message))
}

/// The largest number of values that a body is parsed into: several times what the largest batch has. In memory a value
/// takes many times its size in JSON.
const MAX_VALUES: usize = 20_000;

/// Whether a JSON text has more values than `max`, as far as its commas and brackets tell.
fn has_more_values_than(max: usize, text: &[u8]) -> bool {
    // A value takes a byte, and another one ends it.
    if text.len() / 2 < max {
        return false;
    }
    let (mut is_in_string, mut is_escaped, mut count) = (false, false, 0_usize);
    for byte in text {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_in_string => is_escaped = true,
            b'"' => is_in_string = !is_in_string,
            b',' | b'[' | b'{' if !is_in_string => count += 1,
            _ => {}
        }
    }
    count > max
}

fn malformed(error: &serde_json::Error) -> Problem {
    Problem::new(
        StatusCode::BAD_REQUEST,
        "malformed_json",
        format!("The body is not JSON: {error}"),
    )
}

fn check_content_type(content_type: Option<&str>, accepted: &[&str]) -> Result<(), Problem> {
    let is_accepted = content_type
        .and_then(|content_type| content_type.parse::<Mime>().ok())
        .is_some_and(|mime| {
            accepted.contains(&mime.essence_str())
                && mime
                    .get_param(mime::CHARSET)
                    .is_none_or(|charset| charset == mime::UTF_8)
        });
    if is_accepted {
        return Ok(());
    }
    let accepted = accepted.join(" or ");
    Err(Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "unsupported_media_type",
        match content_type {
            Some(content_type) => {
                format!(
                    "The Content-Type must be {accepted} in UTF-8, not {}",
                    truncated(content_type, MAX_NAME_CHARACTERS, usize::MAX)
                )
            }
            None => format!("The Content-Type must be {accepted}, but is missing"),
        },
    ))
}

/// The members of a JSON object, in their order and with repeated ones.
struct Members(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Members(members))
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(r#"{"a":[1,2,3],"b":{}}"#, 6)]
    #[case(r#"{"a,[{":"\",[{\\"}"#, 1)]
    #[case("[[],[]]", 4)]
    #[case("1", 0)]
    fn values_are_counted(#[case] text: &str, #[case] count: usize) {
        // Blanks, so that the text is long enough to be looked at.
        let text = format!("{}{text}", " ".repeat(20));
        assert!(!has_more_values_than(count, text.as_bytes()));
        assert_eq!(
            count > 0,
            has_more_values_than(count.saturating_sub(1), text.as_bytes())
        );
    }
}
