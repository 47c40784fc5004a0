//! What every inbound adapter of the todo backend needs, whichever protocol it speaks: bounded worker pools, the
//! authorization of callers, limits for each user and address, and traces.
//!
//! An adapter makes a [`Call`] of each request, with the credential that the client presents and the input that it has
//! parsed, and gets the result of a use case, or a [`Problem`](todo_api_types::problem::Problem).

mod after_response;
mod authorization;
mod bulk;
mod call;
mod errors;
mod in_flight;
mod rate_limits;
mod trace;
pub mod worker_pool;

use std::{fmt, sync::Arc, time::Duration};

use todo_application::{App, account::VerifiedSessionCache};

pub use after_response::AfterResponse;
pub use authorization::Parsed;
pub use bulk::BulkWork;
pub use call::{Call, handler_of};
pub use in_flight::{InFlight, MAX_PER_USER, TooManyInFlight};
pub use rate_limits::{RateLimitSettings, RateLimited, RateLimits};
pub use trace::{Actor, NoTracer, Trace, TraceId, TraceParent, Tracer};
use worker_pool::WorkerPool;

/// The worker pools in which blocking work runs.
#[derive(Debug, Clone)]
pub struct WorkerPools {
    /// For the database: as many threads as it serves best.
    pub database: WorkerPool,
    /// For searches and exports, which read all data of a user: a few threads, so that they cannot take all of the
    /// database.
    pub bulk: WorkerPool,
    /// For hashing passwords: more threads than hashes are computed at a time, since some of them wait for the database.
    pub hashing: WorkerPool,
    /// For mails after the response: a few threads, which wait for the mail server.
    pub mail: WorkerPool,
}

/// What all requests share, of whichever inbound adapter.
pub struct Runtime {
    /// The ports and policies of the use cases.
    pub app: App,
    /// The worker pools.
    pub pools: WorkerPools,
    /// Makes the traces.
    pub tracer: Arc<dyn Tracer>,
    /// The time within which blocking work must have ended.
    pub request_deadline: Duration,
    /// The requests of each address and each user.
    pub rate_limits: RateLimits,
    /// The sessions that were verified within the last minute.
    pub verified_sessions: VerifiedSessionCache,
    /// The searches and exports in flight.
    pub in_flight: InFlight,
}

impl Runtime {
    /// A runtime that has served no request yet.
    #[must_use]
    pub fn new(
        app: App,
        pools: WorkerPools,
        tracer: Arc<dyn Tracer>,
        request_deadline: Duration,
        rate_limits: RateLimitSettings,
    ) -> Self {
        Self {
            app,
            pools,
            tracer,
            request_deadline,
            rate_limits: RateLimits::new(rate_limits),
            verified_sessions: VerifiedSessionCache::default(),
            in_flight: InFlight::default(),
        }
    }

    /// The interval at which [`evict`](Self::evict) is to be called.
    pub const EVICTION_INTERVAL: Duration = Duration::from_secs(10);

    /// Evicts what no longer limits anybody.
    pub fn evict(&self) {
        self.rate_limits.forget_idle();
        let now = self.app.clock.now();
        self.verified_sessions
            .forget_old(now, &self.app.session_policy);
        self.app.login_limits.forget_idle(now);
        self.app.refresh_limits.forget_idle(now);
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime")
            .field("pools", &self.pools)
            .finish_non_exhaustive()
    }
}
