//! Violations: what is wrong with the fields of a request, in bounded space however many there are.

use std::borrow::Cow;

use serde::Serialize;
use utoipa::ToSchema;

/// The largest number of violations that a problem lists.
pub const MAX_VIOLATIONS: usize = 20;
/// The largest number of characters of a field's name in a problem. Longer names are truncated.
pub const MAX_NAME_CHARACTERS: usize = 64;
/// The largest size of a field's name in JSON.
const MAX_NAME_BYTES: usize = 256;
/// The largest size of a violation's message in JSON.
const MAX_MESSAGE_BYTES: usize = 400;
/// The largest size of a `detail` in JSON.
pub const MAX_DETAIL_BYTES: usize = 1_024;
/// The part of it that a list of violations may take.
const MAX_SUMMARY_BYTES: usize = 960;

/// A violation: one invalid field of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// Field of the body, query parameter, or part of the path. Long names are truncated.
    pub field: String,
    /// The violated rule.
    pub message: String,
}

impl FieldError {
    /// A violation whose texts are truncated to what a problem may list.
    #[must_use]
    pub fn new(field: &str, message: &str) -> Self {
        Self {
            field: truncated(field, MAX_NAME_CHARACTERS, MAX_NAME_BYTES).into_owned(),
            message: truncated(message, usize::MAX, MAX_MESSAGE_BYTES).into_owned(),
        }
    }
}

/// The violations of one request: the first ones, and the number of all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Violations {
    listed: Vec<FieldError>,
    count: usize,
}

impl Violations {
    /// One violation.
    #[must_use]
    pub fn one(field: &str, message: &str) -> Self {
        let mut violations = Self::default();
        violations.push(field, message);
        violations
    }

    /// Adds a violation. Past the limit it is only counted.
    pub fn push(&mut self, field: &str, message: &str) {
        if !self.is_full() {
            self.listed.push(FieldError::new(field, message));
        }
        self.count = self.count.saturating_add(1);
    }

    /// Adds violations that are only counted.
    pub fn count_more(&mut self, count: usize) {
        self.count = self.count.saturating_add(count);
    }

    /// Adds the violations of a part of the request, whose name `prefix` precedes the fields.
    pub fn extend(&mut self, prefix: &str, part: &Self) {
        for FieldError { field, message } in &part.listed {
            if self.is_full() {
                break;
            }
            let field = format!("{prefix}{field}");
            self.listed.push(FieldError::new(&field, message));
        }
        self.count = self.count.saturating_add(part.count);
    }

    /// Whether no further violation is listed.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.listed.len() >= MAX_VIOLATIONS
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The violations that are listed.
    #[must_use]
    pub fn listed(&self) -> &[FieldError] {
        &self.listed
    }

    /// The first violations in one sentence, and how many more there are.
    #[must_use]
    pub fn summary(&self) -> String {
        let mut summary = String::new();
        let mut left = MAX_SUMMARY_BYTES;
        let mut shown = 0;
        for FieldError { field, message } in &self.listed {
            let size = json_size(field) + json_size(message) + " ; ".len();
            let Some(rest) = left.checked_sub(size) else {
                break;
            };
            left = rest;
            if shown > 0 {
                summary.push_str("; ");
            }
            summary.push_str(field);
            summary.push(' ');
            summary.push_str(message);
            shown += 1;
        }
        let more = self.count - shown;
        if more > 0 {
            summary.push_str("; and ");
            summary.push_str(&more.to_string());
            summary.push_str(" more");
        }
        summary
    }
}

/// Ends a text that was truncated.
const ELLIPSIS: char = '…';

/// A text of at most `max_characters` and at most `max_bytes` in JSON: the text itself, or its beginning and an ellipsis.
#[must_use]
pub fn truncated(text: &str, max_characters: usize, max_bytes: usize) -> Cow<'_, str> {
    let mut bytes = 0;
    // Where the text ends if an ellipsis has to follow.
    let mut end = 0;
    for (number, (start, character)) in (1_usize..).zip(text.char_indices()) {
        if number < max_characters && bytes + ELLIPSIS.len_utf8() <= max_bytes {
            end = start;
        }
        bytes += json_size_of(character);
        if number > max_characters || bytes > max_bytes {
            let beginning = text.get(..end).unwrap_or_default();
            return Cow::Owned(format!("{beginning}{ELLIPSIS}"));
        }
        if number < max_characters && bytes + ELLIPSIS.len_utf8() <= max_bytes {
            end = start + character.len_utf8();
        }
    }
    Cow::Borrowed(text)
}

/// The size of a text in JSON, without its quotes.
fn json_size(text: &str) -> usize {
    text.chars().map(json_size_of).sum()
}

/// The size of a character in a JSON text, as `serde_json` writes it.
fn json_size_of(character: char) -> usize {
    match character {
        '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
        '\0'..'\u{20}' => 6,
        _ => character.len_utf8(),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("abc", 3, 3, "abc")]
    #[case("abcd", 3, 99, "ab…")]
    #[case("abcdef", 99, 5, "ab…")]
    #[case("a\u{1}b", 99, 8, "a\u{1}b")]
    #[case("a\u{1}b", 99, 7, "a…")]
    #[case("💩💩", 99, 7, "💩…")]
    #[case("", 0, 0, "")]
    fn a_long_text_ends_in_an_ellipsis(
        #[case] text: &str,
        #[case] max_characters: usize,
        #[case] max_bytes: usize,
        #[case] expected: &str,
    ) {
        assert_eq!(truncated(text, max_characters, max_bytes), expected);
    }

    #[test]
    fn sizes_are_those_that_serde_json_writes() {
        for character in (0..0x300)
            .chain(0x1f400..0x1f500)
            .filter_map(char::from_u32)
        {
            let json = serde_json::to_string(&character.to_string()).unwrap();
            assert_eq!(json_size_of(character), json.len() - 2, "{json}");
        }
    }

    /// A fuzz target: what is truncated is within its limits, and the text up to there is unchanged.
    #[test]
    fn no_text_exceeds_its_limits() {
        bolero::check!()
            .with_type::<(String, u8, u8)>()
            .for_each(|(text, characters, bytes)| {
                let (characters, bytes) =
                    (usize::from(*characters).max(1), usize::from(*bytes).max(3));
                let short = truncated(text, characters, bytes);
                assert!(short.chars().count() <= characters, "{short:?}");
                assert!(json_size(&short) <= bytes, "{short:?}");
                assert!(short == *text || text.starts_with(short.trim_end_matches(ELLIPSIS)));
            });
    }

    #[test]
    fn violations_past_the_limit_are_counted() {
        let mut violations = Violations::default();
        for number in 0..1_000 {
            violations.push(&format!("field{number}"), "is unknown");
        }
        violations.count_more(500);
        assert_eq!(violations.listed().len(), MAX_VIOLATIONS);
        let summary = violations.summary();
        assert!(summary.ends_with("; and 1480 more"), "{summary}");
        let mut all = Violations::default();
        all.extend("operations[7].", &violations);
        assert_eq!(all.listed()[0].field, "operations[7].field0");
        assert_eq!(all.count, 1_500);
    }
}
