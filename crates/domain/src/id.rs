//! Identifiers: one type for each kind of thing, so that one is never taken for another.

use std::{fmt, str::FromStr};

use uuid::Uuid;

/// The text is not a UUID (RFC 9562) in its hyphenated form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a UUID, such as 0192f0c1-2345-7abc-8def-0123456789ab")]
pub struct InvalidId;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        #[cfg_attr(feature = "serde", serde(try_from = "String", into = "String"))]
        pub struct $name(Uuid);

        impl $name {
            /// Wraps a UUID.
            #[must_use]
            pub const fn from_uuid(id: Uuid) -> Self {
                Self(id)
            }

            /// The UUID.
            #[must_use]
            pub const fn as_uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                const HYPHENATED_LENGTH: usize = 36;
                if text.len() != HYPHENATED_LENGTH {
                    return Err(InvalidId);
                }
                let Ok(id) = Uuid::try_parse(text) else {
                    return Err(InvalidId);
                };
                Ok(Self(id))
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_string()
            }
        }
    };
}

id! {
    /// Identifies a [`User`](crate::User).
    UserId
}
id! {
    /// Identifies a [`Todo`](crate::Todo).
    ///
    /// ```
    /// use todo_domain::TodoId;
    ///
    /// let id: TodoId = "0192f0c1-2345-7abc-8def-0123456789ab".parse()?;
    /// assert_eq!(id.to_string(), "0192f0c1-2345-7abc-8def-0123456789ab");
    /// assert!("42".parse::<TodoId>().is_err());
    /// # Ok::<(), todo_domain::InvalidId>(())
    /// ```
    TodoId
}
id! {
    /// Identifies a [`Session`](crate::Session).
    SessionId
}
id! {
    /// Identifies a [`PersonalAccessToken`](crate::PersonalAccessToken).
    TokenId
}
id! {
    /// Identifies a [`SecurityEvent`](crate::SecurityEvent).
    EventId
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_hyphenated_form_is_an_id() {
        let id = "0192f0c1-2345-7abc-8def-0123456789ab";
        assert_eq!(id.parse::<UserId>().unwrap().to_string(), id);
        assert!(id.to_uppercase().parse::<UserId>().is_ok());
        for text in [
            "",
            "42",
            "0192f0c123457abc8def0123456789ab",
            "{0192f0c1-2345-7abc-8def-0123456789ab}",
            "urn:uuid:0192f0c1-2345-7abc-8def-0123456789ab",
            "0192f0c1-2345-7abc-8def-0123456789ag",
        ] {
            assert_eq!(text.parse::<UserId>(), Err(InvalidId), "{text}");
        }
    }
}
