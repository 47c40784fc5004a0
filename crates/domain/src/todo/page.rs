//! Which part of a long list is wanted.

use super::{Position, TodoOrder};

/// A part of a list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Page {
    /// In which order the list is.
    pub order: TodoOrder,
    /// Where in it the part begins.
    pub start: PageStart,
    /// The largest number of items.
    pub limit: PageLimit,
}

/// Where in a list a part of it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PageStart {
    /// After so many items.
    Offset(u32),
    /// After what stands here, whether or not it is still there. Items that come and go before it change nothing.
    After(Position),
}

impl Default for PageStart {
    /// At the first item.
    fn default() -> Self {
        Self::Offset(0)
    }
}

/// The largest number of items of a page: 1 to 1,000.
///
/// ```
/// use todo_domain::PageLimit;
///
/// assert_eq!(PageLimit::new(20)?.get(), 20);
/// assert_eq!(PageLimit::default().get(), 1_000);
/// assert!(PageLimit::new(0).is_err());
/// # Ok::<(), todo_domain::PageLimitError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageLimit(u16);

/// The number is no [`PageLimit`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be from 1 to 1000")]
pub struct PageLimitError;

impl PageLimit {
    /// The largest limit, and the one where none is named: clients that know no paging see that many.
    pub const MAX: u16 = 1_000;

    /// Checks a limit.
    ///
    /// # Errors
    /// [`PageLimitError`] when it is 0 or over [`PageLimit::MAX`].
    pub fn new(limit: u32) -> Result<Self, PageLimitError> {
        match u16::try_from(limit) {
            Ok(limit) if (1..=Self::MAX).contains(&limit) => Ok(Self(limit)),
            _ => Err(PageLimitError),
        }
    }

    /// The number.
    #[must_use]
    pub fn get(self) -> u16 {
        self.0
    }
}

impl Default for PageLimit {
    fn default() -> Self {
        Self(Self::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_from_1_to_1000() {
        for (limit, accepted) in [
            (0, false),
            (1, true),
            (1_000, true),
            (1_001, false),
            (65_537, false),
        ] {
            assert_eq!(PageLimit::new(limit).is_ok(), accepted, "{limit}");
        }
    }
}
