//! Bodies: reading them within bounds, and parsing them as strict JSON.

use std::time::Duration;

use actix_web::{dev::Payload, web::Bytes};
use futures_util::StreamExt;
use http::StatusCode;
use todo_api_types::{errors::no_room, problem::Problem};
use tokio::time::{Instant, timeout_at};

use crate::budget::{Reservation, SMALL};

/// What is bounded about a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodySettings {
    /// The largest body in bytes.
    pub limit: usize,
    /// Within which time it must have arrived.
    pub deadline: Duration,
}

/// A body, or why it was not taken.
#[derive(Debug)]
pub(crate) enum Body {
    Read(ReadBody),
    TooLarge {
        limit: usize,
    },
    TooSlow,
    Broken,
    /// There was no room for it.
    Refused,
}

/// A body that was read. Its part of the budget is given back with it.
#[derive(Debug)]
pub(crate) struct ReadBody {
    bytes: Bytes,
    _reservation: Reservation,
}

/// A body over the limit is still read, up to so many times the limit: an answer that is sent before would be lost when
/// the connection is closed under the client, which is still sending.
const READ_PAST_LIMIT: usize = 8;

impl Body {
    /// Reads a body to its end, or gives up when it is far too long or too slow; whether it came to its end.
    pub(crate) async fn read(
        mut payload: Payload,
        settings: BodySettings,
        reservation: Reservation,
    ) -> (Self, bool) {
        let BodySettings { limit, deadline } = settings;
        let deadline = Instant::now() + deadline;
        let mut body = Some(GrowingBody {
            bytes: Vec::new(),
            limit,
            reservation,
        });
        let mut length = 0;
        loop {
            let chunk = match timeout_at(deadline, payload.next()).await {
                Ok(Some(Ok(chunk))) => chunk,
                Ok(Some(Err(_))) => return (Self::Broken, false),
                Ok(None) if length > limit => return (Self::TooLarge { limit }, true),
                Ok(None) => return (body.map_or(Self::Refused, GrowingBody::finish), true),
                Err(_) => return (Self::TooSlow, false),
            };
            length += chunk.len();
            if length > limit.saturating_mul(READ_PAST_LIMIT) {
                return (Self::TooLarge { limit }, false);
            }
            // What is not kept is read all the same.
            body = body.and_then(|body| body.with(&chunk));
        }
    }

    /// The bytes that were read.
    pub(crate) fn bytes(&self) -> Result<&Bytes, Problem> {
        match self {
            Self::Read(body) => Ok(&body.bytes),
            Self::TooLarge { limit } => Err(Problem::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "body_too_large",
                format!("The body must have at most {limit} bytes"),
            )),
            Self::TooSlow => Err(Problem::new(
                StatusCode::REQUEST_TIMEOUT,
                "body_too_slow",
                "The body was not received in time",
            )),
            Self::Broken => Err(Problem::new(
                StatusCode::BAD_REQUEST,
                "body_broken",
                "The body is incomplete",
            )),
            Self::Refused => Err(no_room()),
        }
    }
}

/// A body that is being read.
struct GrowingBody {
    bytes: Vec<u8>,
    limit: usize,
    reservation: Reservation,
}

impl GrowingBody {
    /// The body with another chunk; `None` where it is too large, or there is no room for it.
    fn with(mut self, chunk: &[u8]) -> Option<Self> {
        let length = self.bytes.len() + chunk.len();
        if length > self.limit {
            return None;
        }
        if length > self.bytes.capacity() && length > SMALL {
            let capacity = (2 * length).min(self.limit);
            if !self.reservation.try_grow(capacity) {
                return None;
            }
            self.bytes.reserve_exact(capacity - self.bytes.len());
        }
        self.bytes.extend_from_slice(chunk);
        Some(self)
    }

    fn finish(self) -> Body {
        Body::Read(ReadBody {
            bytes: self.bytes.into(),
            _reservation: self.reservation,
        })
    }
}
