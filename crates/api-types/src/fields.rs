//! Reading the fields of a body or a query: no field is ignored, and all violations are collected.

use std::fmt::Display;

use serde_json::{Number, Value};
use todo_domain::Change;

use crate::{problem::Problem, violations::Violations};

/// The fields of a request. A reader takes the fields that it supports; any other field is a violation.
///
/// Its methods return `None` after a violation, so that a reader continues with the next field.
#[derive(Debug)]
pub struct Fields {
    sent: Vec<(String, Value)>,
    known: Vec<&'static str>,
    violations: Violations,
}

impl Fields {
    /// Reads all of `sent` with `reader`.
    ///
    /// # Errors
    /// Every violation, as one problem.
    pub fn read<T>(
        sent: Vec<(String, Value)>,
        reader: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Result<T, Problem> {
        Self::collect(sent, reader).map_err(Problem::invalid)
    }

    /// Reads all of `sent` with `reader`, or returns all violations.
    ///
    /// # Errors
    /// Every violation.
    pub fn collect<T>(
        sent: Vec<(String, Value)>,
        reader: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Result<T, Violations> {
        let mut fields = Self {
            sent,
            known: Vec::new(),
            violations: Violations::default(),
        };
        let value = reader(&mut fields);
        fields.note_unknown();
        match value {
            Some(value) if fields.violations.is_empty() => Ok(value),
            _ => Err(fields.violations),
        }
    }

    /// Every text that was sent and not read yet, with its name.
    pub fn texts(&self) -> impl Iterator<Item = (String, String)> {
        self.sent
            .iter()
            .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
    }

    /// A required field.
    pub fn required<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(Value) -> Result<T, String>,
    ) -> Option<T> {
        match self.take(name)? {
            None => self.fault(name, "is required"),
            Some(Value::Null) => self.fault(name, "must not be null"),
            Some(value) => self.or_fault(name, read(value)),
        }
    }

    /// An optional field; null is treated as absent.
    pub fn optional<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(Value) -> Result<T, String>,
    ) -> Option<Option<T>> {
        match self.take(name)? {
            None | Some(Value::Null) => Some(None),
            Some(value) => self.or_fault(name, read(value)).map(Some),
        }
    }

    /// A parameter that may occur up to `max` times.
    pub fn repeated<T>(
        &mut self,
        name: &'static str,
        max: usize,
        read: impl Fn(Value) -> Result<T, String>,
    ) -> Option<Vec<T>> {
        self.known.push(name);
        let values: Vec<Value> = self
            .sent
            .extract_if(.., |(sent, _)| sent == name)
            .map(|(_, value)| value)
            .collect();
        if values.len() > max {
            let message = format!("must occur at most {max} times; got {}", values.len());
            return self.fault(name, &message);
        }
        values
            .into_iter()
            .map(|value| self.or_fault(name, read(value)))
            .collect()
    }

    /// Records a violation of a field that was read, such as a contradiction to another field.
    pub fn contradiction<T>(&mut self, name: &'static str, message: &str) -> Option<T> {
        self.fault(name, message)
    }

    /// A property that is not changed if the field is absent.
    pub fn change<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(Value) -> Result<T, String>,
    ) -> Option<Change<T>> {
        match self.take(name)? {
            None => Some(Change::Keep),
            Some(Value::Null) => self.fault(name, "must not be null"),
            Some(value) => self.or_fault(name, read(value)).map(Change::To),
        }
    }

    /// A property that is not changed if the field is absent, and is cleared by null.
    pub fn nullable_change<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(Value) -> Result<T, String>,
    ) -> Option<Change<Option<T>>> {
        match self.take(name)? {
            None => Some(Change::Keep),
            Some(Value::Null) => Some(Change::To(None)),
            Some(value) => self
                .or_fault(name, read(value))
                .map(|value| Change::To(Some(value))),
        }
    }

    /// The single value of a field; `Some(None)` if it is absent.
    fn take(&mut self, name: &'static str) -> Option<Option<Value>> {
        self.known.push(name);
        let mut values = self.sent.extract_if(.., |(sent, _)| sent == name);
        let value = values.next().map(|(_, value)| value);
        let again = values.count();
        if again > 0 {
            return self.fault(name, "must occur only once");
        }
        Some(value)
    }

    /// Records unknown fields. The first message lists the supported fields.
    fn note_unknown(&mut self) {
        let mut unknown = std::mem::take(&mut self.sent).into_iter();
        let Some((first, _)) = unknown.next() else {
            return;
        };
        let known = match self.known.as_slice() {
            [] => "no field is supported here".to_owned(),
            known => format!("supported: {}", known.join(", ")),
        };
        self.violations
            .push(&first, &format!("is unknown; {known}"));
        for (field, _) in unknown.by_ref() {
            self.violations.push(&field, "is unknown");
            if self.violations.is_full() {
                break;
            }
        }
        self.violations.count_more(unknown.count());
    }

    fn or_fault<T>(&mut self, name: &str, result: Result<T, String>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(message) => self.fault(name, &message),
        }
    }

    fn fault<T>(&mut self, field: &str, message: &str) -> Option<T> {
        self.violations.push(field, message);
        None
    }
}

/// Reads a string by a constructor of the domain.
pub fn text<T, E: Display>(
    parse: impl Fn(&str) -> Result<T, E>,
) -> impl Fn(Value) -> Result<T, String> {
    move |value| match value {
        Value::String(text) => parse(&text).map_err(|error| error.to_string()),
        other => Err(format!("must be a string, not {}", kind(&other))),
    }
}

/// Reads an array, each of its items by `read`.
pub fn array<T>(
    read: impl Fn(Value) -> Result<T, String>,
) -> impl FnOnce(Value) -> Result<Vec<T>, String> {
    move |value| match value {
        Value::Array(items) => (1..)
            .zip(items)
            .map(|(number, item)| read(item).map_err(|error| format!("item {number} {error}")))
            .collect(),
        other => Err(format!("must be an array, not {}", kind(&other))),
    }
}

/// Reads a boolean.
///
/// # Errors
/// The violation, as a message.
pub fn boolean(value: Value) -> Result<bool, String> {
    match value {
        Value::Bool(value) => Ok(value),
        other => Err(format!("must be true or false, not {}", kind(&other))),
    }
}

/// Reads a whole number by a constructor of the domain. `30.0` is one, as JSON Schema has it (2020-12, 6.1.1).
pub fn integer<T, E: Display>(
    parse: impl Fn(i64) -> Result<T, E>,
) -> impl Fn(Value) -> Result<T, String> {
    move |value| match value {
        Value::Number(number) => match whole(&number) {
            Some(number) => parse(number).map_err(|error| error.to_string()),
            None => Err("must be a whole number".to_owned()),
        },
        other => Err(format!("must be a whole number, not {}", kind(&other))),
    }
}

fn whole(number: &Number) -> Option<i64> {
    number.as_i64().or_else(|| {
        let number = number.as_f64().filter(|number| number.fract() == 0.0)?;
        format!("{number:.0}").parse().ok()
    })
}

/// The kind of a JSON value, with its article.
#[must_use]
pub fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;
    use todo_domain::Title;

    use super::*;

    fn sent(fields: &[(&str, Value)]) -> Vec<(String, Value)> {
        fields
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect()
    }

    #[test]
    fn every_fault_is_named_at_once() {
        let problem = Fields::read(
            sent(&[
                ("title", json!("")),
                ("done", json!(1)),
                ("note", Value::Null),
                ("color", json!("red")),
                ("twice", json!("a")),
                ("twice", json!("b")),
            ]),
            |fields| {
                let title = fields.required("title", text(Title::new));
                let done = fields.optional("done", boolean);
                let note = fields.change("note", text(Title::new));
                let twice = fields.optional("twice", text(Title::new));
                let missing = fields.required("missing", boolean);
                Some((title?, done?, note?, twice?, missing?))
            },
        )
        .unwrap_err();
        assert_eq!(
            problem.to_string(),
            "title must not be empty; done must be true or false, not a number; \
             note must not be null; twice must occur only once; missing is required; \
             color is unknown; supported: title, done, note, twice, missing"
        );
    }

    #[rstest]
    #[case("30", Ok(30))]
    #[case("30.0", Ok(30))]
    #[case("3e1", Ok(30))]
    #[case("-0.0", Ok(0))]
    #[case("30.5", Err("must be a whole number"))]
    #[case("1e300", Err("must be a whole number"))]
    #[case("9223372036854775808", Err("must be a whole number"))]
    #[case("\"30\"", Err("must be a whole number, not a string"))]
    fn a_whole_number_may_have_a_fraction_of_nothing(
        #[case] text: &str,
        #[case] expected: Result<i64, &str>,
    ) {
        let read = integer(Ok::<i64, String>);
        let value = serde_json::from_str(text).unwrap();
        assert_eq!(read(value), expected.map_err(str::to_owned));
    }

    #[test]
    fn absent_null_and_there_are_three_things() {
        let read = |fields: &[(&str, Value)]| {
            Fields::read(sent(fields), |fields| {
                fields.nullable_change("title", text(Title::new))
            })
            .unwrap()
        };
        let title = Title::new("a").unwrap();
        assert_eq!(read(&[]), Change::Keep);
        assert_eq!(read(&[("title", Value::Null)]), Change::To(None));
        assert_eq!(read(&[("title", json!("a"))]), Change::To(Some(title)));
    }
}
