//! What a request comes from, as far as that can be told.

use std::net::IpAddr;

/// The program that makes a request, and where it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Client {
    /// Its address, as the server or the nearest proxy that is trusted saw it.
    pub address: Option<IpAddr>,
    /// What it calls itself.
    pub user_agent: Option<UserAgent>,
}

/// What a program calls itself (RFC 9110, 10.1.5): at most 255 characters, none of them a control character.
///
/// It is shown to users and believed by nobody.
///
/// ```
/// use todo_domain::UserAgent;
///
/// assert_eq!(UserAgent::of(" curl/8.5\n").unwrap().as_str(), "curl/8.5");
/// assert_eq!(UserAgent::of(" \t "), None);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct UserAgent(String);

impl UserAgent {
    /// The largest number of characters.
    pub const MAX_LENGTH: usize = 255;

    /// As much of a text as is kept; `None` when that is nothing.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        let kept: String = text
            .trim()
            .chars()
            .filter(|character| !character.is_control())
            .take(Self::MAX_LENGTH)
            .collect();
        (!kept.is_empty()).then_some(Self(kept))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_too_long_is_cut_off() {
        let agent = UserAgent::of(&"ä".repeat(300)).unwrap();
        assert_eq!(agent.as_str(), "ä".repeat(255));
        assert_eq!(UserAgent::of("a\0b\u{7f}c").unwrap().as_str(), "abc");
    }
}
