//! Changing a todo only if it is still as the caller knows it.

use todo_domain::TodoId;

use crate::{App, Caller, ServiceError};

/// What a caller demands of the version of a todo before it is changed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Precondition {
    /// Nothing.
    #[default]
    Nothing,
    /// That it is one of these.
    VersionIn(Vec<u64>),
}

/// Why a todo was not changed.
#[derive(Debug)]
pub(super) enum Refused {
    NotFound,
    PreconditionFailed,
    Service(ServiceError),
}

impl From<ServiceError> for Refused {
    fn from(failure: ServiceError) -> Self {
        Self::Service(failure)
    }
}

/// Makes a change that takes the version which the todo must be of, and gives what came of it; `None` when there was no
/// such todo of that version.
///
/// One version costs nothing more; several cost one more look at the todo, as does finding out why there was none.
pub(super) fn change_if<T>(
    app: &App,
    caller: &Caller,
    id: TodoId,
    precondition: &Precondition,
    change: impl FnOnce(Option<u64>) -> Result<Option<T>, ServiceError>,
) -> Result<T, Refused> {
    let current_version = || -> Result<u64, Refused> {
        let todo = app
            .todos
            .find(caller.owner(), id)
            .map_err(ServiceError::from)?;
        Ok(todo.ok_or(Refused::NotFound)?.version)
    };
    let expected = match precondition {
        Precondition::Nothing => None,
        Precondition::VersionIn(versions) => match versions.as_slice() {
            [version] => Some(*version),
            versions => {
                let current = current_version()?;
                if !versions.contains(&current) {
                    return Err(Refused::PreconditionFailed);
                }
                Some(current)
            }
        },
    };
    match (change(expected)?, expected) {
        (Some(changed), _) => Ok(changed),
        (None, None) => Err(Refused::NotFound),
        (None, Some(_)) => {
            // If it is there, it was of another version a moment ago.
            current_version()?;
            Err(Refused::PreconditionFailed)
        }
    }
}

/// Maps why a todo was not changed to the error of a use case, which has a case for each.
macro_rules! from_refused {
    ($error:ty) => {
        impl From<$crate::todo::precondition::Refused> for $error {
            fn from(refused: $crate::todo::precondition::Refused) -> Self {
                match refused {
                    $crate::todo::precondition::Refused::NotFound => Self::NotFound,
                    $crate::todo::precondition::Refused::PreconditionFailed => {
                        Self::PreconditionFailed
                    }
                    $crate::todo::precondition::Refused::Service(failure) => Self::Service(failure),
                }
            }
        }
    };
}
pub(super) use from_refused;

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::testing::{Mocks, caller, todo, todo_id, unavailable};

    /// A storage that has the todo in version 1, or has none.
    fn stored(there: bool) -> Mocks {
        let mut mocks = Mocks::default();
        mocks
            .todos
            .expect_find()
            .returning(move |_, _| Ok(there.then(todo)));
        mocks
    }

    fn change(
        mocks: Mocks,
        precondition: &Precondition,
        made: bool,
    ) -> Result<Option<u64>, Refused> {
        let app = mocks.app();
        change_if(&app, &caller(), todo_id(1), precondition, |expected| {
            Ok(made.then_some(expected))
        })
    }

    fn versions(versions: &[u64]) -> Precondition {
        Precondition::VersionIn(versions.to_vec())
    }

    #[test]
    fn without_a_precondition_any_version_will_do() {
        let changed = change(Mocks::default(), &Precondition::Nothing, true);
        assert_eq!(changed.unwrap(), None);
    }

    #[test]
    fn one_version_is_demanded_of_the_change_itself() {
        let changed = change(Mocks::default(), &versions(&[7]), true);
        assert_eq!(changed.unwrap(), Some(7));
    }

    #[test]
    fn of_several_versions_the_present_one_is_demanded() {
        let changed = change(stored(true), &versions(&[7, 1]), true);
        assert_eq!(changed.unwrap(), Some(1));
    }

    #[rstest]
    #[case::moved_before(versions(&[7, 8]), true)]
    #[case::never(versions(&[]), true)]
    #[case::moved_meanwhile(versions(&[7, 1]), false)]
    #[case::moved(versions(&[7]), false)]
    fn another_version_is_refused(#[case] precondition: Precondition, #[case] made: bool) {
        let refused = change(stored(true), &precondition, made).unwrap_err();
        assert!(
            matches!(refused, Refused::PreconditionFailed),
            "{refused:?}"
        );
    }

    #[rstest]
    #[case(versions(&[7]))]
    #[case(versions(&[7, 8]))]
    fn what_is_not_there_is_not_found(#[case] precondition: Precondition) {
        let refused = change(stored(false), &precondition, false).unwrap_err();
        assert!(matches!(refused, Refused::NotFound), "{refused:?}");
        let refused = change(Mocks::default(), &Precondition::Nothing, false).unwrap_err();
        assert!(matches!(refused, Refused::NotFound), "{refused:?}");
    }

    #[test]
    fn a_storage_that_is_away_is_a_failure() {
        let mut mocks = Mocks::default();
        mocks
            .todos
            .expect_find()
            .returning(|_, _| Err(unavailable()));
        let refused = change(mocks, &versions(&[]), true).unwrap_err();
        assert!(matches!(
            refused,
            Refused::Service(ServiceError::Unavailable(_))
        ));
    }
}
