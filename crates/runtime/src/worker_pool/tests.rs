//! Tests of worker pools.

use std::sync::{Mutex, atomic::AtomicBool};

use crossbeam_channel::{Receiver, Sender, bounded};
use tokio::join;

use super::fair_queue::QueueClass;
use super::*;

const PATIENCE: Duration = Duration::from_secs(20);
const IMPATIENCE: Duration = Duration::from_millis(20);

fn pool(threads: usize, queue: usize) -> WorkerPool {
    pool_of(threads, queue, QueueOrder::Fifo)
}

fn pool_of(threads: usize, queue: usize, order: QueueOrder) -> WorkerPool {
    let settings = WorkerPoolSettings {
        threads,
        queue,
        order,
        priority: 0,
        hang_limit: None,
    };
    WorkerPool::start("test", settings, &WorkerPoolMetrics::default()).unwrap()
}

/// A worker pool of one thread that is replaced soon.
fn replacing_pool() -> WorkerPool {
    let settings = WorkerPoolSettings {
        threads: 1,
        queue: 8,
        order: QueueOrder::Fifo,
        priority: 0,
        hang_limit: Some(IMPATIENCE),
    };
    WorkerPool::start("test", settings, &WorkerPoolMetrics::default()).unwrap()
}

/// Work that runs until the sender is dropped.
fn held() -> (Sender<()>, impl FnOnce() + Send + 'static) {
    let (hold, release): (_, Receiver<()>) = bounded(0);
    (hold, move || assert!(release.recv().is_err()))
}

#[tokio::test]
async fn it_gives_what_the_work_gives() {
    let pool = pool(1, 1);
    let runs = pool.count_of_runs();
    assert_eq!(runs(), 0);
    assert_eq!(pool.execute(PATIENCE, || 6 * 7).await, Ok(42));
    assert_eq!(runs(), 1);
}

#[tokio::test]
async fn a_panic_ends_the_work_and_not_the_pool() {
    let pool = pool(1, 1);
    let panicking = pool.execute(PATIENCE, || panic!("on purpose")).await;
    assert_eq!(panicking, Err::<(), _>(WorkerPoolError::Panicked));
    assert_eq!(pool.execute(PATIENCE, || 1).await, Ok(1));
}

#[tokio::test]
async fn what_finds_the_queue_full_is_refused_at_once() {
    let pool = pool(1, 1);
    let (hold, work) = held();
    let (first, second, third) = join!(
        pool.execute(PATIENCE, work),
        async {
            // The first has left the queue once it runs.
            while pool.queue.len() > 0 {
                tokio::task::yield_now().await;
            }
            pool.execute(PATIENCE, || 2).await
        },
        async {
            while pool.queue.len() == 0 {
                tokio::task::yield_now().await;
            }
            while pool.queue.len() < 1 {
                tokio::task::yield_now().await;
            }
            let refused = pool.execute(PATIENCE, || 3).await;
            drop(hold);
            refused
        }
    );
    assert_eq!((first, second), (Ok(()), Ok(2)));
    assert_eq!(third, Err(WorkerPoolError::Full));
}

#[tokio::test]
async fn a_fair_pool_drops_work_of_a_flood_for_another_client() {
    let pool = pool_of(1, 2, QueueOrder::Fair);
    let key = |network: [u8; 4], class| QueueKey {
        class,
        network: Some(network.into()),
    };
    let flood = key([192, 0, 2, 1], QueueClass::Open);
    let other = key([192, 0, 2, 2], QueueClass::Open);
    let reserved = key([192, 0, 2, 1], QueueClass::Reserved);
    let (hold, work) = held();
    pool.spawn(QueueKey::default(), work).unwrap();
    while pool.queue.len() > 0 {
        tokio::task::yield_now().await;
    }
    let order = Arc::new(Mutex::new(Vec::new()));
    let run = |key, name: &'static str| {
        let order = Arc::clone(&order);
        pool.execute_for(key, PATIENCE, move || order.lock().unwrap().push(name))
    };
    let first = run(flood, "first");
    let displaced = run(flood, "displaced");
    let refused = run(flood, "refused");
    assert_eq!(refused.await, Err(WorkerPoolError::Full));
    let other = run(other, "other");
    assert_eq!(displaced.await, Err(WorkerPoolError::Full));
    let reserved = run(reserved, "reserved");
    drop(hold);
    assert_eq!(join!(first, other, reserved), (Ok(()), Ok(()), Ok(())));
    assert_eq!(*order.lock().unwrap(), ["reserved", "first", "other"]);
}

#[tokio::test]
async fn a_pool_with_priorities_serves_what_is_reserved_first() {
    let pool = pool_of(1, 3, QueueOrder::Priority);
    let (hold, work) = held();
    pool.spawn(QueueKey::default(), work).unwrap();
    while pool.queue.len() > 0 {
        tokio::task::yield_now().await;
    }
    let order = Arc::new(Mutex::new(Vec::new()));
    let post = |class, name: &'static str| {
        let order = Arc::clone(&order);
        let key = QueueKey {
            class,
            network: None,
        };
        pool.spawn(key, move || order.lock().unwrap().push(name))
    };
    for name in ["notice 1", "notice 2", "notice 3"] {
        post(QueueClass::Open, name).unwrap();
    }
    // Notices take no room from what is reserved.
    assert_eq!(
        post(QueueClass::Open, "notice 4"),
        Err(WorkerPoolError::Full)
    );
    for name in ["reset 1", "reset 2", "reset 3"] {
        post(QueueClass::Reserved, name).unwrap();
    }
    drop(hold);
    let last = QueueKey::default();
    while pool.queue.len() > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(pool.execute_for(last, PATIENCE, || ()).await, Ok(()));
    let expected = [
        "reset 1", "reset 2", "reset 3", "notice 1", "notice 2", "notice 3",
    ];
    assert_eq!(*order.lock().unwrap(), expected);
}

#[tokio::test]
async fn what_waits_past_its_deadline_never_runs() {
    let pool = pool(1, 2);
    let (hold, work) = held();
    let ran = Arc::new(AtomicBool::new(false));
    let (first, ()) = join!(pool.execute(PATIENCE, work), async {
        let flag = Arc::clone(&ran);
        let waiting = pool.execute(IMPATIENCE, move || flag.store(true, Ordering::SeqCst));
        assert_eq!(waiting.await, Err(WorkerPoolError::NotStarted));
        drop(hold);
    });
    assert_eq!(first, Ok(()));
    // What is queued after it has run, so that it would have run before.
    assert_eq!(pool.execute(PATIENCE, || ()).await, Ok(()));
    assert!(!ran.load(Ordering::SeqCst));
}

#[tokio::test]
async fn what_nobody_waits_for_any_more_never_runs() {
    let pool = pool(1, 2);
    let (hold, work) = held();
    let ran = Arc::new(AtomicBool::new(false));
    let (first, ()) = join!(pool.execute(PATIENCE, work), async {
        let flag = Arc::clone(&ran);
        let waiting = pool.execute(PATIENCE, move || flag.store(true, Ordering::SeqCst));
        // The client goes away: the future is dropped.
        assert!(timeout(IMPATIENCE, waiting).await.is_err());
        drop(hold);
    });
    assert_eq!(first, Ok(()));
    assert_eq!(pool.execute(PATIENCE, || ()).await, Ok(()));
    assert!(!ran.load(Ordering::SeqCst));
}

#[tokio::test]
async fn what_runs_past_its_deadline_is_said_to_have_begun() {
    let pool = pool(1, 1);
    let (hold, work) = held();
    let result = pool.execute(IMPATIENCE, work).await;
    assert_eq!(result, Err(WorkerPoolError::NotFinished));
    drop(hold);
}

#[tokio::test]
async fn a_thread_that_hangs_is_replaced_and_ends_when_its_work_does() {
    let pool = replacing_pool();
    let (hold, work) = held();
    let (ended, end) = bounded::<()>(0);
    pool.spawn(QueueKey::default(), move || {
        work();
        // Dropped with the thread.
        std::thread_local!(static AT_END: std::cell::RefCell<Option<Sender<()>>> = const {
            std::cell::RefCell::new(None)
        });
        AT_END.set(Some(ended));
    })
    .unwrap();
    assert_eq!(pool.execute(PATIENCE, || 1).await, Ok(1));
    drop(hold);
    assert!(
        end.recv_timeout(PATIENCE)
            .is_err_and(|error| { error == crossbeam_channel::RecvTimeoutError::Disconnected })
    );
    assert_eq!(pool.execute(PATIENCE, || 2).await, Ok(2));
}

#[tokio::test]
async fn no_more_threads_are_replaced_than_are_allowed() {
    let pool = replacing_pool();
    let (holds, works): (Vec<_>, Vec<_>) = (0..5).map(|_| held()).unzip();
    for work in works {
        pool.spawn(QueueKey::default(), work).unwrap();
    }
    while pool.queue.len() > 0 {
        tokio::time::sleep(IMPATIENCE).await;
    }
    let next = pool.execute(Duration::from_secs(1), || 1).await;
    assert_eq!(next, Err(WorkerPoolError::NotStarted));
    drop(holds);
    assert_eq!(pool.execute(PATIENCE, || 2).await, Ok(2));
}

#[tokio::test]
async fn what_is_posted_runs_when_its_turn_comes() {
    let pool = pool(1, 2);
    let ran = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&ran);
    pool.spawn(QueueKey::default(), || panic!("on purpose"))
        .unwrap();
    pool.spawn(QueueKey::default(), move || {
        flag.store(true, Ordering::SeqCst);
    })
    .unwrap();
    while pool.queue.len() > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(pool.execute(PATIENCE, || ()).await, Ok(()));
    assert!(ran.load(Ordering::SeqCst));
}

#[tokio::test]
async fn what_is_posted_to_a_full_queue_is_refused() {
    let pool = pool(1, 1);
    let (hold, work) = held();
    pool.spawn(QueueKey::default(), work).unwrap();
    while pool.queue.len() > 0 {
        tokio::task::yield_now().await;
    }
    pool.spawn(QueueKey::default(), || ()).unwrap();
    assert_eq!(
        pool.spawn(QueueKey::default(), || ()),
        Err(WorkerPoolError::Full)
    );
    drop(hold);
}
