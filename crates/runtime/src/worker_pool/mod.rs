//! Bounded worker pools: where blocking work runs.
//!
//! A worker pool is a fixed number of threads that are fed by a bounded queue. Work that finds the queue full, or waits in it
//! until its deadline, is refused and certainly never runs. A slow pool takes nothing from another, nor from the
//! threads that serve connections.

mod fair_queue;
mod metrics;
mod queue;
#[cfg(test)]
mod tests;
mod threads;

use std::{
    fmt, io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicU8, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use tokio::{sync::oneshot, time::timeout};
use tracing::{Span, error, warn};

use self::{
    metrics::PoolGauges,
    queue::{QueueFull, WorkSender, work_queue},
    threads::PoolThreads,
};

pub use self::{
    fair_queue::{QueueClass, QueueKey},
    metrics::{WorkerPoolMetrics, durations},
    queue::QueueOrder,
};

/// The size of a worker pool, and the order of its queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorkerPoolSettings {
    /// The number of threads.
    pub threads: usize,
    /// The maximum length of the queue; with a fair order, of each class.
    pub queue: usize,
    /// The order of the queue.
    pub order: QueueOrder,
    /// The nice value of the threads on Linux (`sched(7)`): from 0 to 19, the lowest priority. Other systems ignore it.
    pub priority: i32,
    /// The time after which a busy thread is replaced, since it may hang for good; `None` for never.
    pub hang_limit: Option<Duration>,
}

/// Why a job has no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WorkerPoolError {
    /// The queue was full, or made room for a client with less work in it. The work never ran.
    #[error("the queue is full")]
    Full,
    /// The deadline passed while the work waited. It never ran, and never will.
    #[error("the deadline passed before the work began")]
    NotStarted,
    /// The deadline passed while the work ran. It goes on, and its result is lost.
    #[error("the deadline passed while the work ran")]
    NotFinished,
    /// The work panicked.
    #[error("the work panicked")]
    Panicked,
}

type Work = Box<dyn FnOnce() + Send>;

/// A fixed number of threads with a bounded queue. Cloning it is cheap; its threads end with the last clone.
#[derive(Clone)]
pub struct WorkerPool {
    name: &'static str,
    queue: WorkSender<Work>,
    /// The number of jobs so far.
    runs: Arc<AtomicU64>,
    metrics: PoolGauges,
    /// Held for as long as threads that hang are to be replaced.
    _threads: Arc<PoolThreads>,
}

impl fmt::Debug for WorkerPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkerPool")
            .field("name", &self.name)
            .field("waiting", &self.queue.len())
            .finish_non_exhaustive()
    }
}

impl WorkerPool {
    /// Starts the threads of a worker pool, which is measured under its name.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn start(
        name: &'static str,
        settings: WorkerPoolSettings,
        metrics: &WorkerPoolMetrics,
    ) -> io::Result<Self> {
        let (queue, waiting) = work_queue::<Work>(settings.order, settings.queue);
        let metrics = metrics.of(name, settings);
        let threads = PoolThreads::start(
            name,
            settings.threads,
            settings.hang_limit,
            waiting,
            (lower_priority, settings.priority),
            metrics.clone(),
        )?;
        Ok(Self {
            name,
            queue,
            runs: Arc::default(),
            metrics,
            _threads: threads,
        })
    }

    /// Runs `work` on a thread of the pool, on behalf of no client in particular, and waits for it, but no longer than
    /// `deadline`.
    ///
    /// When the caller stops waiting, work that has not begun never does.
    ///
    /// # Errors
    /// [`WorkerPoolError`].
    pub fn execute<T: Send + 'static, W: FnOnce() -> T + Send + 'static>(
        &self,
        deadline: Duration,
        work: W,
    ) -> impl Future<Output = Result<T, WorkerPoolError>> + use<T, W> {
        self.execute_for(QueueKey::default(), deadline, work)
    }

    /// Runs `work` of a client on a thread of the pool and waits for it, but no longer than `deadline`.
    ///
    /// When the caller stops waiting (as it does when a client goes away), work that has not begun never does.
    ///
    /// # Errors
    /// [`WorkerPoolError`].
    pub fn execute_for<T: Send + 'static, W: FnOnce() -> T + Send + 'static>(
        &self,
        key: QueueKey,
        deadline: Duration,
        work: W,
    ) -> impl Future<Output = Result<T, WorkerPoolError>> + use<T, W> {
        // The work is in the queue from here on, and not a part of each future that waits for it.
        let submitted = self.submit(key, work);
        let metrics = self.metrics.clone();
        async move {
            let done = match submitted {
                Ok(submitted) => submitted.wait(deadline).await,
                Err(error) => Err(error),
            };
            done.inspect_err(|error| metrics.failed(*error))
        }
    }

    /// Tells the number of jobs to be [executed](Self::execute) so far.
    pub fn count_of_runs(&self) -> impl Fn() -> u64 + Send + Sync + 'static {
        let runs = Arc::clone(&self.runs);
        move || runs.load(Ordering::Relaxed)
    }

    fn submit<T: Send + 'static>(
        &self,
        key: QueueKey,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<Submitted<T>, WorkerPoolError> {
        self.runs.fetch_add(1, Ordering::Relaxed);
        let ticket = Arc::new(Ticket::default());
        let (give, result) = oneshot::channel();
        let waiting = Waiting(Arc::clone(&ticket));
        let span = Span::current();
        let queued = self.metrics.queued();
        let work = Box::new(move || {
            if ticket.begin() {
                let running = queued.begin();
                let done = catch_unwind(AssertUnwindSafe(|| span.in_scope(work)));
                drop(running);
                // Nobody may be waiting any more, and then the result is of no use.
                drop(give.send(done));
            }
        });
        self.enqueue(key, work)?;
        Ok(Submitted { waiting, result })
    }

    /// Has `work` run on a thread of the pool when its turn comes, and waits for nothing.
    ///
    /// # Errors
    /// [`WorkerPoolError::Full`].
    pub fn spawn(
        &self,
        key: QueueKey,
        work: impl FnOnce() + Send + 'static,
    ) -> Result<(), WorkerPoolError> {
        let span = Span::current();
        let metrics = self.metrics.clone();
        let queued = self.metrics.queued();
        let work = Box::new(move || {
            let running = queued.begin();
            let done = catch_unwind(AssertUnwindSafe(|| span.in_scope(work)));
            drop(running);
            if done.is_err() {
                metrics.failed(WorkerPoolError::Panicked);
                span.in_scope(|| error!("a job without a waiter panicked"));
            }
        });
        let spawned = self.enqueue(key, work);
        spawned.inspect_err(|error| self.metrics.failed(*error))
    }

    fn enqueue(&self, key: QueueKey, work: Work) -> Result<(), WorkerPoolError> {
        let queued = self.queue.push(key, work);
        queued.map_err(|QueueFull| WorkerPoolError::Full)
    }
}

/// Lowers the priority of this thread.
#[cfg(target_os = "linux")]
fn lower_priority(priority: i32) {
    if let Err(error) = rustix::process::nice(priority) {
        warn!(%error, "the priority of a thread cannot be lowered");
    }
}

/// Elsewhere it would be the priority of the whole process.
#[cfg(not(target_os = "linux"))]
fn lower_priority(_: i32) {}

/// Work that is in the queue of a worker pool.
struct Submitted<T> {
    waiting: Waiting,
    result: oneshot::Receiver<thread::Result<T>>,
}

impl<T> Submitted<T> {
    async fn wait(self, deadline: Duration) -> Result<T, WorkerPoolError> {
        let Self { waiting, result } = self;
        match timeout(deadline, result).await {
            Ok(Ok(Ok(value))) => Ok(value),
            Ok(Ok(Err(_))) => Err(WorkerPoolError::Panicked),
            // The queue dropped the work to make room for others.
            Ok(Err(_)) => Err(WorkerPoolError::Full),
            Err(_) if waiting.give_up() => Err(WorkerPoolError::NotStarted),
            Err(_) => Err(WorkerPoolError::NotFinished),
        }
    }
}

const WAITING: u8 = 0;
const BEGUN: u8 = 1;
const GIVEN_UP: u8 = 2;

/// Settles between the pool and the caller whether a job begins or is given up.
#[derive(Default)]
struct Ticket(AtomicU8);

impl Ticket {
    fn begin(&self) -> bool {
        self.leave_waiting(BEGUN)
    }

    fn leave_waiting(&self, for_state: u8) -> bool {
        self.0
            .compare_exchange(WAITING, for_state, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }
}

/// Gives the work up, if it has not begun, as soon as nobody waits for it any more.
struct Waiting(Arc<Ticket>);

impl Waiting {
    /// Whether the work had not begun, and so never will.
    fn give_up(&self) -> bool {
        self.0.leave_waiting(GIVEN_UP)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.give_up();
    }
}
