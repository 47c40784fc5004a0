//! Finding out whether requests can be served.

use todo_domain::ports::ProbeError;

use crate::{App, ServiceError};

/// Why requests cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum CheckReadinessError {
    /// The storage has not the shape that this program needs.
    #[error("the storage is not migrated")]
    NotMigrated,
    /// The service failed.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

/// Asks everything that a request needs whether it is well.
///
/// # Errors
/// [`CheckReadinessError`].
pub fn check_readiness(app: &App) -> Result<(), CheckReadinessError> {
    app.probe.check().map_err(|error| match error {
        ProbeError::NotMigrated => CheckReadinessError::NotMigrated,
        ProbeError::Storage(error) => CheckReadinessError::Service(error.into()),
        error => CheckReadinessError::Service(ServiceError::Internal(error.into())),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Mocks, unavailable};

    #[test]
    fn it_is_ready_when_the_storage_is() {
        let mut mocks = Mocks::default();
        mocks.probe.expect_check().returning(|| Ok(()));
        assert!(check_readiness(&mocks.app()).is_ok());
    }

    #[test]
    fn it_is_not_ready_when_the_storage_is_away() {
        let mut mocks = Mocks::default();
        mocks
            .probe
            .expect_check()
            .returning(|| Err(unavailable().into()));
        assert!(matches!(
            check_readiness(&mocks.app()),
            Err(CheckReadinessError::Service(ServiceError::Unavailable(_)))
        ));
    }
    #[test]
    fn it_is_not_ready_when_the_storage_is_not_migrated() {
        let mut mocks = Mocks::default();
        mocks
            .probe
            .expect_check()
            .returning(|| Err(ProbeError::NotMigrated));
        assert!(matches!(
            check_readiness(&mocks.app()),
            Err(CheckReadinessError::NotMigrated)
        ));
    }
}
