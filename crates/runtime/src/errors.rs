//! The problems of this crate's errors.

use todo_api_types::{
    errors::{outcome_unknown, overloaded, rate_limited, too_many_in_flight},
    problem::Problem,
};

use crate::{
    in_flight::{MAX_PER_USER, TooManyInFlight},
    rate_limits::RateLimited,
    worker_pool::WorkerPoolError,
};

impl From<WorkerPoolError> for Problem {
    fn from(error: WorkerPoolError) -> Self {
        match error {
            WorkerPoolError::Full | WorkerPoolError::NotStarted => overloaded(),
            WorkerPoolError::NotFinished => outcome_unknown(),
            WorkerPoolError::Panicked => Self::internal(),
        }
        .caused_by(error)
    }
}

impl From<RateLimited> for Problem {
    fn from(limited: RateLimited) -> Self {
        let RateLimited {
            policy,
            per_minute,
            retry_after,
        } = limited;
        rate_limited(policy, per_minute, retry_after)
    }
}

impl From<TooManyInFlight> for Problem {
    fn from(TooManyInFlight: TooManyInFlight) -> Self {
        too_many_in_flight(MAX_PER_USER)
    }
}
