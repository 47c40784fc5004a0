//! Words by which todos are grouped.

use std::fmt;

use crate::text::{Lines, TextError, text_value, trimmed_not_empty};

/// A word by which todos are grouped: one line of 1 to 50 characters, trimmed and in lower case.
///
/// ```
/// use todo_domain::Tag;
///
/// assert_eq!(Tag::new(" Work ")?.as_str(), "work");
/// # Ok::<(), todo_domain::TextError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "String", into = "String"))]
pub struct Tag(String);

impl Tag {
    /// The largest number of characters.
    pub const MAX_LENGTH: usize = 50;

    /// Trims, lower-cases and checks a tag.
    ///
    /// # Errors
    /// [`TextError`] when it is empty, too long, or contains a control character.
    pub fn new(text: &str) -> Result<Self, TextError> {
        trimmed_not_empty(&text.to_lowercase(), Self::MAX_LENGTH, Lines::Single).map(Self)
    }
}

text_value!(Tag, TextError);

/// The tags of a todo: up to 20, each of them once, in the order in which they were given.
///
/// ```
/// use todo_domain::{Tag, Tags};
///
/// let tags = ["Home", "work", "home"].map(Tag::new).into_iter().collect::<Result<Vec<_>, _>>()?;
/// let tags = Tags::new(tags)?;
/// assert_eq!(tags.iter().map(Tag::as_str).collect::<Vec<_>>(), ["home", "work"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "Vec<Tag>", into = "Vec<Tag>"))]
pub struct Tags(Vec<Tag>);

/// There are more tags than a todo may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must contain at most {} tags; got {actual}", Tags::MAX)]
pub struct TooManyTags {
    /// How many different tags there are.
    pub actual: usize,
}

impl Tags {
    /// The largest number of tags.
    pub const MAX: usize = 20;

    /// Takes tags, each of them once.
    ///
    /// # Errors
    /// [`TooManyTags`].
    pub fn new(tags: Vec<Tag>) -> Result<Self, TooManyTags> {
        let mut different = Vec::with_capacity(tags.len().min(Self::MAX));
        for tag in tags {
            if !different.contains(&tag) {
                different.push(tag);
            }
        }
        if different.len() > Self::MAX {
            return Err(TooManyTags {
                actual: different.len(),
            });
        }
        Ok(Self(different))
    }

    /// Takes tags as a repository stored them, without checking them again. For storage adapters alone.
    #[must_use]
    pub fn from_stored(tags: Vec<Tag>) -> Self {
        Self(tags)
    }

    /// The tags, in their order.
    pub fn iter(&self) -> std::slice::Iter<'_, Tag> {
        self.0.iter()
    }

    /// Whether this tag is among them.
    #[must_use]
    pub fn contains(&self, tag: &Tag) -> bool {
        self.0.contains(tag)
    }
}

impl<'a> IntoIterator for &'a Tags {
    type Item = &'a Tag;
    type IntoIter = std::slice::Iter<'a, Tag>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl TryFrom<Vec<Tag>> for Tags {
    type Error = TooManyTags;

    fn try_from(tags: Vec<Tag>) -> Result<Self, Self::Error> {
        Self::new(tags)
    }
}

impl From<Tags> for Vec<Tag> {
    fn from(tags: Tags) -> Self {
        tags.0
    }
}

impl fmt::Display for Tags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts: Vec<&str> = self.iter().map(Tag::as_str).collect();
        f.write_str(&texts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(count: usize) -> Vec<Tag> {
        (0..count)
            .map(|number| Tag::new(&number.to_string()).unwrap())
            .collect()
    }

    #[test]
    fn twenty_different_tags_fit_and_one_more_does_not() {
        assert!(Tags::new(tags(20)).is_ok());
        assert_eq!(Tags::new(tags(21)), Err(TooManyTags { actual: 21 }));
        let twice = [tags(20), tags(20)].concat();
        assert_eq!(Tags::new(twice), Tags::new(tags(20)));
    }

    #[test]
    fn a_tag_is_within_its_limits_after_trimming() {
        assert!(Tag::new(&format!(" {} ", "ä".repeat(50))).is_ok());
        assert_eq!(
            Tag::new(&"ä".repeat(51)),
            Err(TextError::TooLong {
                max: 50,
                actual: 51
            })
        );
        assert_eq!(Tag::new("a\nb"), Err(TextError::ControlCharacter('\n')));
        assert_eq!(Tag::new("  "), Err(TextError::Empty));
    }
}
