//! The queue of a worker pool: first in, first out, or fair between clients.

use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, bounded};

use super::fair_queue::{FairQueue, Pushed, QueueKey};

/// The order in which a worker pool serves its queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueueOrder {
    /// First in, first out; whoever finds the queue full is refused.
    Fifo,
    /// Fair between clients: their networks take turns, and so do logins and what is reserved for owners of accounts. A
    /// full queue makes room for those who have little in it.
    Fair,
    /// What is reserved first, and all else while there is none of it; each in the order in which it came.
    Priority,
}

/// The queue is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct QueueFull;

/// The end of a queue at which items are put in. The queue is closed with the last clone.
#[derive(Debug)]
pub(crate) enum WorkSender<T> {
    Fifo(Sender<T>),
    Fair(Arc<FairSender<T>>),
}

/// The end of a queue at which items are taken out.
#[derive(Debug)]
pub(crate) enum WorkReceiver<T> {
    Fifo(Receiver<T>),
    Fair(Arc<FairQueue<T>>),
}

impl<T> Clone for WorkSender<T> {
    fn clone(&self) -> Self {
        match self {
            Self::Fifo(sender) => Self::Fifo(sender.clone()),
            Self::Fair(sender) => Self::Fair(Arc::clone(sender)),
        }
    }
}

impl<T> Clone for WorkReceiver<T> {
    fn clone(&self) -> Self {
        match self {
            Self::Fifo(receiver) => Self::Fifo(receiver.clone()),
            Self::Fair(queue) => Self::Fair(Arc::clone(queue)),
        }
    }
}

/// A queue of at most `limit` items.
pub(crate) fn work_queue<T>(order: QueueOrder, limit: usize) -> (WorkSender<T>, WorkReceiver<T>) {
    match order {
        QueueOrder::Fifo => {
            let (sender, receiver) = bounded(limit);
            (WorkSender::Fifo(sender), WorkReceiver::Fifo(receiver))
        }
        QueueOrder::Fair | QueueOrder::Priority => {
            let is_prioritized = order == QueueOrder::Priority;
            let queue = Arc::new(FairQueue::new(limit, is_prioritized));
            let sender = Arc::new(FairSender(Arc::clone(&queue)));
            (WorkSender::Fair(sender), WorkReceiver::Fair(queue))
        }
    }
}

impl<T> WorkSender<T> {
    /// Appends an item, for which another may be dropped that has not been taken out.
    ///
    /// # Errors
    /// When the queue is full; then the item is dropped.
    pub(crate) fn push(&self, key: QueueKey, item: T) -> Result<(), QueueFull> {
        match self {
            Self::Fifo(sender) => sender.try_send(item).map_err(|_item| QueueFull),
            Self::Fair(sender) => match sender.0.push(key, item) {
                Pushed::Queued => Ok(()),
                Pushed::Displaced(displaced) => {
                    drop(displaced);
                    Ok(())
                }
                Pushed::Refused(_) => Err(QueueFull),
            },
        }
    }

    /// The number of items in the queue.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Fifo(sender) => sender.len(),
            Self::Fair(sender) => sender.0.len(),
        }
    }
}

impl<T> WorkReceiver<T> {
    /// Takes the next item out, for which it waits; `None` once the queue is closed and empty.
    pub(crate) fn pop(&self) -> Option<T> {
        match self {
            Self::Fifo(receiver) => receiver.recv().ok(),
            Self::Fair(queue) => queue.pop(),
        }
    }
}

/// Closes the queue when it is dropped.
#[derive(Debug)]
pub(crate) struct FairSender<T>(Arc<FairQueue<T>>);

impl<T> Drop for FairSender<T> {
    fn drop(&mut self) {
        self.0.close();
    }
}
