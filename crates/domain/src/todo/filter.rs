//! Which todos are meant.

use crate::{
    fold_case,
    text::{Lines, TextError, text_value, trimmed_not_empty},
};

use super::{DueCondition, Priority, Tag, Todo};

/// Which of a user's todos are meant: those that meet every condition that is there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TodoFilter {
    /// Those that are done, or those that are not.
    pub completed: Option<bool>,
    /// Those that matter this much.
    pub priority: Option<Priority>,
    /// Those with every one of these tags.
    pub tags: Vec<Tag>,
    /// Those that are due as every one of these says.
    pub due: Vec<DueCondition>,
    /// Those with this in their title or description, whatever its case.
    pub text: Option<SearchText>,
}

impl TodoFilter {
    /// Whether `todo` meets every condition.
    #[must_use]
    pub fn matches(&self, todo: &Todo) -> bool {
        let contains = |text: &SearchText| {
            let folded = text.folded();
            fold_case(todo.title.as_str()).contains(&folded)
                || todo
                    .description
                    .as_ref()
                    .is_some_and(|description| fold_case(description.as_str()).contains(&folded))
        };
        self.completed
            .is_none_or(|completed| completed == todo.is_completed())
            && self
                .priority
                .is_none_or(|priority| priority == todo.priority)
            && self.tags.iter().all(|tag| todo.tags.contains(tag))
            && self.due.iter().all(|due| due.matches(todo))
            && self.text.as_ref().is_none_or(contains)
    }
}

/// What is searched for: 1 to 255 characters, counted after trimming.
///
/// ```
/// use todo_domain::SearchText;
///
/// assert_eq!(SearchText::new(" MILK ")?.folded(), "milk");
/// # Ok::<(), todo_domain::TextError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "String", into = "String"))]
pub struct SearchText(String);

impl SearchText {
    /// The largest number of characters.
    pub const MAX_LENGTH: usize = 255;

    /// Trims and checks a search text.
    ///
    /// # Errors
    /// [`TextError`] when it is empty, too long, or contains a control character other than a line break or a tab.
    pub fn new(text: &str) -> Result<Self, TextError> {
        trimmed_not_empty(text, Self::MAX_LENGTH, Lines::Multiple).map(Self)
    }

    /// The text without its differences of case, as [`fold_case`] makes it.
    #[must_use]
    pub fn folded(&self) -> String {
        fold_case(&self.0)
    }
}

text_value!(SearchText, TextError);
