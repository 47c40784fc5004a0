//! Work after the response, which the client does not wait for, such as mails.

use std::{fmt, thread, time::Duration};

use todo_api_types::problem::Problem;
use todo_application::App;
use tracing::{error, warn};

use crate::{
    Runtime,
    call::handler_of,
    trace::Trace,
    worker_pool::{QueueClass, QueueKey},
};

/// The pause between a response and the work after it: otherwise a response would take longer if there is more work
/// after it, and would tell whether an account exists.
const PAUSE: Duration = Duration::from_millis(10);

type Work = Box<dyn FnOnce(&App) -> Result<(), Problem> + Send>;

/// Work that starts when the response was sent, in the worker pool for mail.
pub struct AfterResponse {
    is_required: bool,
    class: QueueClass,
    handler: &'static str,
    work: Work,
}

impl AfterResponse {
    /// Work that the response promises: without room for it, the request is refused with 503. So nothing else may have
    /// been changed.
    pub fn required<E: Into<Problem>>(
        work: impl FnOnce(&App) -> Result<(), E> + Send + 'static,
    ) -> Self {
        Self::new(true, QueueClass::Reserved, work)
    }

    /// A mail that somebody waits for; it is dropped without room for it.
    pub fn best_effort<E: Into<Problem>>(
        work: impl FnOnce(&App) -> Result<(), E> + Send + 'static,
    ) -> Self {
        Self::new(false, QueueClass::Reserved, work)
    }

    /// A notice; it is sent after the mails that somebody waits for, and dropped without room for it.
    pub fn notice<E: Into<Problem>>(
        work: impl FnOnce(&App) -> Result<(), E> + Send + 'static,
    ) -> Self {
        Self::new(false, QueueClass::Open, work)
    }

    fn new<E: Into<Problem>>(
        is_required: bool,
        class: QueueClass,
        work: impl FnOnce(&App) -> Result<(), E> + Send + 'static,
    ) -> Self {
        Self {
            is_required,
            class,
            handler: handler_of(&work),
            work: Box::new(move |app| work(app).map_err(Into::into)),
        }
    }

    /// Puts the work in the queue.
    ///
    /// # Errors
    /// When there is no room for work that is required.
    pub fn start(self, runtime: &Runtime, trace: &Trace) -> Result<(), Problem> {
        let Self {
            is_required,
            class,
            handler,
            work,
        } = self;
        let key = QueueKey {
            class,
            network: None,
        };
        let app = runtime.app.clone();
        let span = trace.work_span(handler);
        let spawned = runtime.pools.mail.spawn(key, move || {
            thread::sleep(PAUSE);
            if let Err(problem) = span.in_scope(|| work(&app)) {
                let cause = problem.causes();
                error!(cause, handler, "work after the response failed");
            }
        });
        match spawned {
            Err(error) if is_required => Err(error.into()),
            Err(error) => {
                warn!(%error, handler, "work after the response is dropped");
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }
}

impl fmt::Debug for AfterResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AfterResponse")
            .field("handler", &self.handler)
            .field("is_required", &self.is_required)
            .finish_non_exhaustive()
    }
}
