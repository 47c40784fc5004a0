//! Reading the fields of one line, so that nothing is ignored and what is wrong is named.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::Value;

/// What is wrong with a line.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum LineError {
    #[error("it is not a JSON object: {0}")]
    NotAnObject(String),
    #[error("{field} {message}")]
    Field { field: String, message: String },
    #[error("{0}")]
    Other(String),
}

/// The fields of a line that have not been read yet, in their order.
pub(super) struct Fields(Vec<(String, Value)>);

impl Fields {
    pub(super) fn parse(line: &[u8]) -> Result<Self, LineError> {
        serde_json::from_slice(line).map_err(|error| {
            // The line of which it speaks is always the first.
            let message = error
                .to_string()
                .replace(" at line 1 column ", " at column ");
            LineError::NotAnObject(message)
        })
    }

    /// A field that must be there, and be there only once.
    pub(super) fn take<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&Value) -> Result<T, String>,
    ) -> Result<T, LineError> {
        let mut values = self.0.extract_if(.., |(field, _)| field == name);
        let value = values.next();
        let again = values.count();
        match value {
            None => Err(fault(name, "is missing")),
            Some(_) if again > 0 => Err(fault(name, "is there more than once")),
            Some((_, value)) => read(&value).map_err(|message| fault(name, &message)),
        }
    }

    /// Makes sure that every field has been read.
    pub(super) fn end(self) -> Result<(), LineError> {
        match self.0.first() {
            None => Ok(()),
            Some((name, _)) => Err(fault(name, "is not known here")),
        }
    }
}

fn fault(field: &str, message: &str) -> LineError {
    LineError::Field {
        field: field.to_owned(),
        message: message.to_owned(),
    }
}

/// A text without NUL, which PostgreSQL cannot keep.
pub(super) fn text(value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) if text.contains('\0') => {
            Err("must not contain the control character U+0000 (NUL)".to_owned())
        }
        Value::String(text) => Ok(text.clone()),
        _ => Err("must be a text".to_owned()),
    }
}

/// A text with a form of its own, such as an id.
pub(super) fn parsed<T, E: fmt::Display>(
    parse: impl FnOnce(String) -> Result<T, E>,
) -> impl FnOnce(&Value) -> Result<T, String> {
    |value| parse(text(value)?).map_err(|error| error.to_string())
}

/// What may be null as well.
pub(super) fn nullable<T>(
    read: impl FnOnce(&Value) -> Result<T, String>,
) -> impl FnOnce(&Value) -> Result<Option<T>, String> {
    |value| match value {
        Value::Null => Ok(None),
        value => read(value)
            .map(Some)
            .map_err(|message| message.replace("must be a text", "must be a text or null")),
    }
}

pub(super) fn boolean(value: &Value) -> Result<bool, String> {
    match value {
        Value::Bool(value) => Ok(*value),
        _ => Err("must be true or false".to_owned()),
    }
}

/// A whole number that fits into a column of the database.
pub(super) fn number(value: &Value) -> Result<u64, String> {
    value
        .as_i64()
        .and_then(|number| u64::try_from(number).ok())
        .ok_or_else(|| "must be a whole number of at least 0".to_owned())
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
        let mut fields = Vec::with_capacity(12);
        while let Some(field) = map.next_entry()? {
            fields.push(field);
        }
        Ok(Fields(fields))
    }
}
