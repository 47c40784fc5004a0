//! Environment variables and their violations.

use std::{
    fmt::{self, Display},
    str::FromStr,
    time::Duration,
};

/// The invalid variables, each with the rule that it violates.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) struct ConfigError(pub(super) Vec<String>);

impl ConfigError {
    /// The violations, each of which begins with the name of the variable.
    pub(crate) fn faults(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("invalid configuration:")?;
        for fault in &self.0 {
            write!(f, "\n  {fault}")?;
        }
        Ok(())
    }
}

/// The variables and the violations found so far.
///
/// An invalid value is recorded as a violation and replaced by the default or `None`, so that reading continues. With any
/// violation, [`end`](Self::end) returns an error.
pub(super) struct Variables<'a> {
    lookup: &'a dyn Fn(&str) -> Option<String>,
    faults: Vec<String>,
}

impl<'a> Variables<'a> {
    /// Reads variables by `lookup`.
    pub(super) fn new(lookup: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self {
            lookup,
            faults: Vec::new(),
        }
    }

    /// The configuration, or all violations.
    pub(super) fn end<T>(self, read: Option<T>) -> Result<T, ConfigError> {
        match read {
            Some(read) if self.faults.is_empty() => Ok(read),
            _ => Err(ConfigError(self.faults)),
        }
    }

    /// The value of a variable. An empty value is treated as unset: compose files pass unset variables as empty ones.
    pub(super) fn value(&self, name: &str) -> Option<String> {
        (self.lookup)(name).filter(|value| !value.is_empty())
    }

    /// Parses a variable; `None` if it is unset. The error is the rest of a sentence that begins with the name.
    pub(super) fn parsed<T, E: Display>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = self.value(name)?;
        self.or_fault(name, parse(&text))
    }

    /// A whole number of at least `min`.
    pub(super) fn number<T>(&mut self, name: &str, default: T, min: T) -> T
    where
        T: FromStr + PartialOrd + Display + Copy,
    {
        self.parsed(name, |text| match text.parse() {
            Ok(number) if number >= min => Ok(number),
            _ => Err(format!(
                "must be a whole number of at least {min}; got {text:?}"
            )),
        })
        .unwrap_or(default)
    }

    /// A duration of at least `min`, in whole seconds.
    pub(super) fn seconds(&mut self, name: &str, default: u64, min: u64) -> Duration {
        Duration::from_secs(self.number(name, default, min))
    }

    /// The value of a result; an error is recorded as a violation.
    pub(super) fn or_fault<T, E: Display>(
        &mut self,
        name: &str,
        result: Result<T, E>,
    ) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => self.fault(name, &error.to_string()),
        }
    }

    /// Records a violation.
    pub(super) fn fault<T>(&mut self, name: &str, message: &str) -> Option<T> {
        self.faults.push(format!("{name} {message}"));
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_default_stands_in_for_what_cannot_be_used_and_the_fault_is_kept() {
        let lookup = |name: &str| Some(if name == "GOOD" { "7" } else { "-1" }.to_owned());
        let mut variables = Variables::new(&lookup);
        assert_eq!(variables.number("GOOD", 3, 1), 7);
        assert_eq!(variables.number("BAD", 3_u32, 1), 3);
        assert_eq!(variables.seconds("WORSE", 5, 1), Duration::from_secs(5));
        assert_eq!(
            variables.end(Some(())).unwrap_err().to_string(),
            "invalid configuration:\n  \
             BAD must be a whole number of at least 1; got \"-1\"\n  \
             WORSE must be a whole number of at least 1; got \"-1\""
        );
    }
}
