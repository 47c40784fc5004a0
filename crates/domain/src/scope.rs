//! What a credential is good for.

use std::{fmt, str::FromStr};

/// One thing that a credential may be good for. A session is good for all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Reading one's todos.
    ReadTodos,
    /// Making, changing and deleting one's todos.
    WriteTodos,
}

/// There is no such scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be tasks:read or tasks:write")]
pub struct UnknownScope;

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 2] = [Self::ReadTodos, Self::WriteTodos];

    /// What it is called outside.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ReadTodos => "tasks:read",
            Self::WriteTodos => "tasks:write",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Scope {
    type Err = UnknownScope;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|scope| scope.as_str() == text)
            .ok_or(UnknownScope)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_read_as_it_is_written_and_nothing_else_is_one() {
        for scope in Scope::ALL {
            assert_eq!(scope.to_string().parse(), Ok(scope));
        }
        for text in ["", "tasks", "tasks:*", "TASKS:READ", "tasks:read "] {
            assert_eq!(text.parse::<Scope>(), Err(UnknownScope), "{text}");
        }
    }
}
