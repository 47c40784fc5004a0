//! Requests that are made again, and must have their effect once.

use todo_domain::{IdempotencyKey, Once, Timestamp, ports::BoxError};

use crate::{Caller, ServiceError};

/// How a request is told from others, so that it has its effect once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotentRequest {
    /// What the client calls it.
    pub key: IdempotencyKey,
    /// What it asks for: the same text for the same request.
    pub request: String,
}

/// What came of a request that is to have its effect once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Done<T> {
    /// It had its effect now.
    Now(T),
    /// It had it when it was made before, which was answered with this.
    Before(String),
}

impl IdempotentRequest {
    /// The request as the storage is to know it.
    ///
    /// # Errors
    /// [`ServiceError::SessionNotProven`] when it is not known who calls.
    pub(super) fn made_by<'a, T: ?Sized>(
        self,
        caller: &Caller,
        now: Timestamp,
        answer: &'a dyn Fn(&T) -> Result<String, BoxError>,
    ) -> Result<Once<'a, T>, ServiceError> {
        Ok(Once {
            user_id: caller.known_user_id()?,
            key: self.key,
            request: self.request,
            now,
            answer,
        })
    }
}
