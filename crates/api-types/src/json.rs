//! Strict JSON: an object with its fields in their order and repeated ones, bounded in the number of its values.

use std::fmt;

use http::StatusCode;
use mime::Mime;
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::Value;

use crate::{
    fields::kind,
    problem::Problem,
    violations::{MAX_NAME_CHARACTERS, truncated},
};

/// Parses a body that must be a JSON object into its fields, in their order and with repeated ones.
///
/// `accepted` are the media types that it may have.
///
/// # Errors
/// A problem of status 400, 415 or 422.
pub fn parse_object(
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
