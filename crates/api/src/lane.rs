//! Bounded lanes: where blocking work runs.
//!
//! A lane is a fixed number of threads that are fed by a bounded queue. Work that finds the queue full, or waits in it
//! until its deadline, is refused and certainly never runs. A slow lane takes nothing from another, nor from the
//! threads that serve connections.

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

use crate::{
    fair_queue::QueueKey,
    lane_threads::LaneThreads,
    metrics::{LaneMetrics, LaneMetricsOf},
    work_queue::{QueueFull, QueueOrder, WorkSender, work_queue},
};

/// How wide and how long a lane is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LaneSettings {
    /// How many pieces of work run at the same time.
    pub width: usize,
    /// How many pieces of work may wait; where the order is fair, logins and what is reserved each for themselves.
    pub queue: usize,
    /// In which order they wait.
    pub order: QueueOrder,
    /// By how much its threads give way to others where there are too few cores: from 0, not at all, to 19. It is the
    /// nice value of Linux (`sched(7)`), and nothing elsewhere.
    pub niceness: i32,
    /// After which time a thread whose work is not done is replaced, since it may hang for good; `None` for never.
    pub hang_limit: Option<Duration>,
}

/// Why work in a lane came to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LaneError {
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
pub struct Lane {
    name: &'static str,
    queue: WorkSender<Work>,
    /// How often something was to be run.
    runs: Arc<AtomicU64>,
    metrics: LaneMetricsOf,
    /// Held for as long as threads that hang are to be replaced.
    _threads: Arc<LaneThreads>,
}

impl fmt::Debug for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lane")
            .field("name", &self.name)
            .field("waiting", &self.queue.len())
            .finish_non_exhaustive()
    }
}

impl Lane {
    /// Starts the threads of a lane, which is measured under its name.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn start(
        name: &'static str,
        settings: LaneSettings,
        metrics: &LaneMetrics,
    ) -> io::Result<Self> {
        let (queue, waiting) = work_queue::<Work>(settings.order, settings.queue);
        let metrics = metrics.of(name, settings);
        let threads = LaneThreads::start(
            name,
            settings.width,
            settings.hang_limit,
            waiting,
            (give_way, settings.niceness),
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

    /// Runs `work` on a thread of the lane, on behalf of no client in particular, and waits for it, but no longer than
    /// `deadline`.
    ///
    /// When the caller stops waiting, work that has not begun never does.
    ///
    /// # Errors
    /// [`LaneError`].
    pub fn run<T: Send + 'static, W: FnOnce() -> T + Send + 'static>(
        &self,
        deadline: Duration,
        work: W,
    ) -> impl Future<Output = Result<T, LaneError>> + use<T, W> {
        self.run_for(QueueKey::default(), deadline, work)
    }

    /// Runs `work` of a client on a thread of the lane and waits for it, but no longer than `deadline`.
    ///
    /// When the caller stops waiting (as it does when a client goes away), work that has not begun never does.
    ///
    /// # Errors
    /// [`LaneError`].
    pub(crate) fn run_for<T: Send + 'static, W: FnOnce() -> T + Send + 'static>(
        &self,
        key: QueueKey,
        deadline: Duration,
        work: W,
    ) -> impl Future<Output = Result<T, LaneError>> + use<T, W> {
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

    /// What tells how often something was to be [run](Self::run) so far.
    pub fn count_of_runs(&self) -> impl Fn() -> u64 + Send + Sync + 'static {
        let runs = Arc::clone(&self.runs);
        move || runs.load(Ordering::Relaxed)
    }

    fn submit<T: Send + 'static>(
        &self,
        key: QueueKey,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<Submitted<T>, LaneError> {
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

    /// Has `work` run on a thread of the lane when its turn comes, and waits for nothing.
    ///
    /// # Errors
    /// [`LaneError::Full`].
    pub(crate) fn post(
        &self,
        key: QueueKey,
        work: impl FnOnce() + Send + 'static,
    ) -> Result<(), LaneError> {
        let span = Span::current();
        let metrics = self.metrics.clone();
        let queued = self.metrics.queued();
        let work = Box::new(move || {
            let running = queued.begin();
            let done = catch_unwind(AssertUnwindSafe(|| span.in_scope(work)));
            drop(running);
            if done.is_err() {
                metrics.failed(LaneError::Panicked);
                span.in_scope(|| error!("what was to be done after the answer panicked"));
            }
        });
        let posted = self.enqueue(key, work);
        posted.inspect_err(|error| self.metrics.failed(*error))
    }

    fn enqueue(&self, key: QueueKey, work: Work) -> Result<(), LaneError> {
        let queued = self.queue.push(key, work);
        queued.map_err(|QueueFull| LaneError::Full)
    }
}

/// Lets this thread give way to others.
#[cfg(target_os = "linux")]
fn give_way(niceness: i32) {
    if let Err(error) = rustix::process::nice(niceness) {
        warn!(%error, "a thread cannot give way to others");
    }
}

/// Elsewhere it would be the whole process that gives way.
#[cfg(not(target_os = "linux"))]
fn give_way(_: i32) {}

/// Work that is in the queue of a lane.
struct Submitted<T> {
    waiting: Waiting,
    result: oneshot::Receiver<thread::Result<T>>,
}

impl<T> Submitted<T> {
    async fn wait(self, deadline: Duration) -> Result<T, LaneError> {
        let Self { waiting, result } = self;
        match timeout(deadline, result).await {
            Ok(Ok(Ok(value))) => Ok(value),
            Ok(Ok(Err(_))) => Err(LaneError::Panicked),
            // The queue dropped the work to make room for others.
            Ok(Err(_)) => Err(LaneError::Full),
            Err(_) if waiting.give_up() => Err(LaneError::NotStarted),
            Err(_) => Err(LaneError::NotFinished),
        }
    }
}

const WAITING: u8 = 0;
const BEGUN: u8 = 1;
const GIVEN_UP: u8 = 2;

/// Settles between the lane and whoever waits whether a piece of work begins or is given up.
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

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, atomic::AtomicBool};

    use crossbeam_channel::{Receiver, Sender, bounded};
    use tokio::join;

    use super::*;
    use crate::fair_queue::QueueClass;

    const PATIENCE: Duration = Duration::from_secs(20);
    const IMPATIENCE: Duration = Duration::from_millis(20);

    fn lane(width: usize, queue: usize) -> Lane {
        lane_of(width, queue, QueueOrder::Fifo)
    }

    fn lane_of(width: usize, queue: usize, order: QueueOrder) -> Lane {
        let settings = LaneSettings {
            width,
            queue,
            order,
            niceness: 0,
            hang_limit: None,
        };
        Lane::start("test", settings, &LaneMetrics::default()).unwrap()
    }

    /// A lane of one thread that is replaced soon.
    fn replacing_lane() -> Lane {
        let settings = LaneSettings {
            width: 1,
            queue: 8,
            order: QueueOrder::Fifo,
            niceness: 0,
            hang_limit: Some(IMPATIENCE),
        };
        Lane::start("test", settings, &LaneMetrics::default()).unwrap()
    }

    /// Work that runs until the sender is dropped.
    fn held() -> (Sender<()>, impl FnOnce() + Send + 'static) {
        let (hold, release): (_, Receiver<()>) = bounded(0);
        (hold, move || assert!(release.recv().is_err()))
    }

    #[tokio::test]
    async fn it_gives_what_the_work_gives() {
        let lane = lane(1, 1);
        let runs = lane.count_of_runs();
        assert_eq!(runs(), 0);
        assert_eq!(lane.run(PATIENCE, || 6 * 7).await, Ok(42));
        assert_eq!(runs(), 1);
    }

    #[tokio::test]
    async fn a_panic_ends_the_work_and_not_the_lane() {
        let lane = lane(1, 1);
        let panicking = lane.run(PATIENCE, || panic!("on purpose")).await;
        assert_eq!(panicking, Err::<(), _>(LaneError::Panicked));
        assert_eq!(lane.run(PATIENCE, || 1).await, Ok(1));
    }

    #[tokio::test]
    async fn what_finds_the_queue_full_is_refused_at_once() {
        let lane = lane(1, 1);
        let (hold, work) = held();
        let (first, second, third) = join!(
            lane.run(PATIENCE, work),
            async {
                // The first has left the queue once it runs.
                while lane.queue.len() > 0 {
                    tokio::task::yield_now().await;
                }
                lane.run(PATIENCE, || 2).await
            },
            async {
                while lane.queue.len() == 0 {
                    tokio::task::yield_now().await;
                }
                while lane.queue.len() < 1 {
                    tokio::task::yield_now().await;
                }
                let refused = lane.run(PATIENCE, || 3).await;
                drop(hold);
                refused
            }
        );
        assert_eq!((first, second), (Ok(()), Ok(2)));
        assert_eq!(third, Err(LaneError::Full));
    }

    #[tokio::test]
    async fn a_fair_lane_drops_work_of_a_flood_for_another_client() {
        let lane = lane_of(1, 2, QueueOrder::Fair);
        let key = |network: [u8; 4], class| QueueKey {
            class,
            network: Some(network.into()),
        };
        let flood = key([192, 0, 2, 1], QueueClass::Open);
        let other = key([192, 0, 2, 2], QueueClass::Open);
        let reserved = key([192, 0, 2, 1], QueueClass::Reserved);
        let (hold, work) = held();
        lane.post(QueueKey::default(), work).unwrap();
        while lane.queue.len() > 0 {
            tokio::task::yield_now().await;
        }
        let order = Arc::new(Mutex::new(Vec::new()));
        let run = |key, name: &'static str| {
            let order = Arc::clone(&order);
            lane.run_for(key, PATIENCE, move || order.lock().unwrap().push(name))
        };
        let first = run(flood, "first");
        let displaced = run(flood, "displaced");
        let refused = run(flood, "refused");
        assert_eq!(refused.await, Err(LaneError::Full));
        let other = run(other, "other");
        assert_eq!(displaced.await, Err(LaneError::Full));
        let reserved = run(reserved, "reserved");
        drop(hold);
        assert_eq!(join!(first, other, reserved), (Ok(()), Ok(()), Ok(())));
        assert_eq!(*order.lock().unwrap(), ["reserved", "first", "other"]);
    }

    #[tokio::test]
    async fn a_lane_with_priorities_serves_what_is_reserved_first() {
        let lane = lane_of(1, 3, QueueOrder::Priority);
        let (hold, work) = held();
        lane.post(QueueKey::default(), work).unwrap();
        while lane.queue.len() > 0 {
            tokio::task::yield_now().await;
        }
        let order = Arc::new(Mutex::new(Vec::new()));
        let post = |class, name: &'static str| {
            let order = Arc::clone(&order);
            let key = QueueKey {
                class,
                network: None,
            };
            lane.post(key, move || order.lock().unwrap().push(name))
        };
        for name in ["notice 1", "notice 2", "notice 3"] {
            post(QueueClass::Open, name).unwrap();
        }
        // Notices take no room from what is reserved.
        assert_eq!(post(QueueClass::Open, "notice 4"), Err(LaneError::Full));
        for name in ["reset 1", "reset 2", "reset 3"] {
            post(QueueClass::Reserved, name).unwrap();
        }
        drop(hold);
        let last = QueueKey::default();
        while lane.queue.len() > 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(lane.run_for(last, PATIENCE, || ()).await, Ok(()));
        let expected = [
            "reset 1", "reset 2", "reset 3", "notice 1", "notice 2", "notice 3",
        ];
        assert_eq!(*order.lock().unwrap(), expected);
    }

    #[tokio::test]
    async fn what_waits_past_its_deadline_never_runs() {
        let lane = lane(1, 2);
        let (hold, work) = held();
        let ran = Arc::new(AtomicBool::new(false));
        let (first, ()) = join!(lane.run(PATIENCE, work), async {
            let flag = Arc::clone(&ran);
            let waiting = lane.run(IMPATIENCE, move || flag.store(true, Ordering::SeqCst));
            assert_eq!(waiting.await, Err(LaneError::NotStarted));
            drop(hold);
        });
        assert_eq!(first, Ok(()));
        // What is queued after it has run, so that it would have run before.
        assert_eq!(lane.run(PATIENCE, || ()).await, Ok(()));
        assert!(!ran.load(Ordering::SeqCst));
    }

    #[tokio::test]
    async fn what_nobody_waits_for_any_more_never_runs() {
        let lane = lane(1, 2);
        let (hold, work) = held();
        let ran = Arc::new(AtomicBool::new(false));
        let (first, ()) = join!(lane.run(PATIENCE, work), async {
            let flag = Arc::clone(&ran);
            let waiting = lane.run(PATIENCE, move || flag.store(true, Ordering::SeqCst));
            // The client goes away: the future is dropped.
            assert!(timeout(IMPATIENCE, waiting).await.is_err());
            drop(hold);
        });
        assert_eq!(first, Ok(()));
        assert_eq!(lane.run(PATIENCE, || ()).await, Ok(()));
        assert!(!ran.load(Ordering::SeqCst));
    }

    #[tokio::test]
    async fn what_runs_past_its_deadline_is_said_to_have_begun() {
        let lane = lane(1, 1);
        let (hold, work) = held();
        let result = lane.run(IMPATIENCE, work).await;
        assert_eq!(result, Err(LaneError::NotFinished));
        drop(hold);
    }

    #[tokio::test]
    async fn a_thread_that_hangs_is_replaced_and_ends_when_its_work_does() {
        let lane = replacing_lane();
        let (hold, work) = held();
        let (ended, end) = bounded::<()>(0);
        lane.post(QueueKey::default(), move || {
            work();
            // Dropped with the thread.
            std::thread_local!(static AT_END: std::cell::RefCell<Option<Sender<()>>> = const {
                std::cell::RefCell::new(None)
            });
            AT_END.set(Some(ended));
        })
        .unwrap();
        assert_eq!(lane.run(PATIENCE, || 1).await, Ok(1));
        drop(hold);
        assert!(
            end.recv_timeout(PATIENCE)
                .is_err_and(|error| { error == crossbeam_channel::RecvTimeoutError::Disconnected })
        );
        assert_eq!(lane.run(PATIENCE, || 2).await, Ok(2));
    }

    #[tokio::test]
    async fn no_more_threads_are_replaced_than_are_allowed() {
        let lane = replacing_lane();
        let (holds, works): (Vec<_>, Vec<_>) = (0..5).map(|_| held()).unzip();
        for work in works {
            lane.post(QueueKey::default(), work).unwrap();
        }
        while lane.queue.len() > 0 {
            tokio::time::sleep(IMPATIENCE).await;
        }
        let next = lane.run(Duration::from_secs(1), || 1).await;
        assert_eq!(next, Err(LaneError::NotStarted));
        drop(holds);
        assert_eq!(lane.run(PATIENCE, || 2).await, Ok(2));
    }

    #[tokio::test]
    async fn what_is_posted_runs_when_its_turn_comes() {
        let lane = lane(1, 2);
        let ran = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&ran);
        lane.post(QueueKey::default(), || panic!("on purpose"))
            .unwrap();
        lane.post(QueueKey::default(), move || {
            flag.store(true, Ordering::SeqCst);
        })
        .unwrap();
        while lane.queue.len() > 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(lane.run(PATIENCE, || ()).await, Ok(()));
        assert!(ran.load(Ordering::SeqCst));
    }

    #[tokio::test]
    async fn what_is_posted_to_a_full_queue_is_refused() {
        let lane = lane(1, 1);
        let (hold, work) = held();
        lane.post(QueueKey::default(), work).unwrap();
        while lane.queue.len() > 0 {
            tokio::task::yield_now().await;
        }
        lane.post(QueueKey::default(), || ()).unwrap();
        assert_eq!(lane.post(QueueKey::default(), || ()), Err(LaneError::Full));
        drop(hold);
    }
}
