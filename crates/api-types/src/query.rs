//! The parameters of a query.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::Value;

use crate::problem::Problem;

/// The largest number of parameters of a query: many times what any route knows.
const MAX_PARAMETERS: usize = 1_000;

/// Parses a query (`application/x-www-form-urlencoded`) into its parameters, in their order and with repeated ones.
///
/// # Errors
/// A problem of status 422.
pub fn parse_query(query: &str) -> Result<Vec<(String, Value)>, Problem> {
    if query.split('&').nth(MAX_PARAMETERS).is_some() {
        let message = format!("must contain at most {MAX_PARAMETERS} parameters");
        return Err(Problem::invalid_field("query", message));
    }
    query
        .split('&')
        .filter(|parameter| !parameter.is_empty())
        .map(|parameter| {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            let name = decode(name).ok_or_else(|| not_utf8(name))?;
            let value = decode(value).ok_or_else(|| not_utf8(&name))?;
            Ok((name, Value::String(value)))
        })
        .collect()
}

/// What is encoded in a parameter: everything but the unreserved characters of RFC 3986, 2.3.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Appends a parameter to a query, and an `&` for the next one.
pub fn write_parameter(query: &mut String, name: &str, value: &str) {
    for (text, end) in [(name, '='), (value, '&')] {
        query.extend(utf8_percent_encode(text, RESERVED));
        query.push(end);
    }
}

fn decode(text: &str) -> Option<String> {
    let text = text.replace('+', " ");
    let decoded = percent_decode_str(&text).decode_utf8().ok()?;
    Some(decoded.into_owned())
}

fn not_utf8(field: &str) -> Problem {
    Problem::invalid_field(field, "must be UTF-8 after percent-decoding")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_decoded_and_kept_in_order() {
        let parameters = parse_query("q=caf%C3%A9+au%20lait&&a=1=2&b&a=").unwrap();
        let expected = [("q", "café au lait"), ("a", "1=2"), ("b", ""), ("a", "")];
        let expected = expected.map(|(name, value)| (name.to_owned(), Value::from(value)));
        assert_eq!(parameters, expected);
    }

    #[test]
    fn a_parameter_that_is_written_is_parsed_back() {
        let mut query = String::new();
        write_parameter(&mut query, "q", "50% & é+1=2");
        let parsed = parse_query(&query).unwrap();
        assert_eq!(parsed, [("q".to_owned(), Value::from("50% & é+1=2"))]);
    }

    #[test]
    fn what_is_not_utf8_is_refused_by_name() {
        let problem = parse_query("status=all&q=%ff").unwrap_err();
        assert!(problem.to_string().starts_with("q must be UTF-8"));
    }

    /// A fuzz target: no query panics, and every parameter that is read is read back when it is written.
    #[test]
    fn whatever_is_accepted_is_written_and_read_back() {
        bolero::check!()
            .with_type::<(String, Vec<(u8, char)>)>()
            .for_each(|(text, edits)| {
                let bent = todo_domain::fuzzing::bent("q=caf%C3%A9+au%20lait&tag=a", edits);
                for query in [text, &bent] {
                    let Ok(parameters) = parse_query(query) else {
                        continue;
                    };
                    let mut written = String::new();
                    for (name, value) in &parameters {
                        write_parameter(&mut written, name, value.as_str().unwrap());
                    }
                    assert_eq!(parse_query(&written).unwrap(), parameters, "{query:?}");
                }
            });
    }
}
