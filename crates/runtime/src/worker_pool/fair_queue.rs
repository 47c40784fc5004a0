//! A bounded queue that is fair between clients.
//!
//! Items are grouped by class and, within a class, by the network that they come from. Classes take turns, and so do the
//! networks of a class (round robin): a client that sends many requests delays its own, and each other client's next
//! request waits for at most one of them. A network alone in the queue may fill it. A full queue makes room for a client
//! with fewer items by removing the newest item of the client with the most (longest queue drop).

use std::{
    collections::{HashMap, VecDeque},
    net::IpAddr,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

/// What kind of request an item is. Each class has a queue of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum QueueClass {
    /// Requests that need no credential, such as a login.
    #[default]
    Open,
    /// Requests that present a session or a mailed token, such as a change or a reset of the password. A flood of logins
    /// must not delay them: they are how an owner takes an account back.
    Reserved,
}

/// By what the queue is fair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct QueueKey {
    /// The kind of request.
    pub class: QueueClass,
    /// The network that it comes from (see [`network_of`](todo_domain::network_of)), if that is known.
    pub network: Option<IpAddr>,
}

/// What became of an item that was pushed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Pushed<T> {
    /// It waits.
    Queued,
    /// It waits, and this item of another client was removed.
    Displaced(T),
    /// The class is full, and no other client has more items in it. This is the item.
    Refused(T),
}

/// The queue.
#[derive(Debug)]
pub(crate) struct FairQueue<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

#[derive(Debug)]
struct State<T> {
    open: ClassQueue<T>,
    reserved: ClassQueue<T>,
    /// The class of the item that was taken last.
    last: QueueClass,
    /// Whether what is reserved goes first, and classes do not take turns.
    is_prioritized: bool,
    is_closed: bool,
}

/// The items of one class.
#[derive(Debug)]
struct ClassQueue<T> {
    limit: usize,
    len: usize,
    /// Networks with items, the next one first.
    turns: VecDeque<Option<IpAddr>>,
    /// The items of each of them, the oldest first; never empty.
    items: HashMap<Option<IpAddr>, VecDeque<T>>,
}

impl<T> FairQueue<T> {
    /// An empty queue of at most `limit` items in each class. The classes take turns, unless what is reserved goes first.
    pub(crate) fn new(limit: usize, is_prioritized: bool) -> Self {
        Self {
            state: Mutex::new(State {
                open: ClassQueue::new(limit),
                reserved: ClassQueue::new(limit),
                last: QueueClass::Open,
                is_prioritized,
                is_closed: false,
            }),
            changed: Condvar::new(),
        }
    }

    /// Appends an item to those of its client.
    pub(crate) fn push(&self, key: QueueKey, item: T) -> Pushed<T> {
        let pushed = {
            let mut state = self.lock();
            state.class_mut(key.class).push(key.network, item)
        };
        if matches!(pushed, Pushed::Queued) {
            self.changed.notify_one();
        }
        pushed
    }

    /// Removes the next item, for which it waits; `None` once the queue is closed and empty.
    pub(crate) fn pop(&self) -> Option<T> {
        let mut state = self.lock();
        loop {
            if let Some(item) = state.take() {
                return Some(item);
            }
            if state.is_closed {
                return None;
            }
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Ends the queue: nothing is pushed any more.
    pub(crate) fn close(&self) {
        self.lock().is_closed = true;
        self.changed.notify_all();
    }

    /// The number of items.
    pub(crate) fn len(&self) -> usize {
        let state = self.lock();
        state.open.len + state.reserved.len
    }

    /// Nothing panics while the lock is held.
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> State<T> {
    fn class_mut(&mut self, class: QueueClass) -> &mut ClassQueue<T> {
        match class {
            QueueClass::Open => &mut self.open,
            QueueClass::Reserved => &mut self.reserved,
        }
    }

    /// The next item: of the class that goes first, or was not served last, if it has one.
    fn take(&mut self) -> Option<T> {
        let order = match self.last {
            _ if self.is_prioritized => [QueueClass::Reserved, QueueClass::Open],
            QueueClass::Open => [QueueClass::Reserved, QueueClass::Open],
            QueueClass::Reserved => [QueueClass::Open, QueueClass::Reserved],
        };
        order.into_iter().find_map(|class| {
            let item = self.class_mut(class).take()?;
            self.last = class;
            Some(item)
        })
    }
}

impl<T> ClassQueue<T> {
    fn new(limit: usize) -> Self {
        Self {
            limit,
            len: 0,
            turns: VecDeque::new(),
            items: HashMap::new(),
        }
    }

    fn push(&mut self, network: Option<IpAddr>, item: T) -> Pushed<T> {
        let mut displaced = None;
        if self.len >= self.limit {
            displaced = self.displace_for(network);
            if displaced.is_none() {
                return Pushed::Refused(item);
            }
        }
        let of_network = self.items.entry(network).or_default();
        if of_network.is_empty() {
            self.turns.push_back(network);
        }
        of_network.push_back(item);
        self.len += 1;
        displaced.map_or(Pushed::Queued, Pushed::Displaced)
    }

    /// Removes the newest item of the network with the most items, if `network` has fewer even with one more.
    fn displace_for(&mut self, network: Option<IpAddr>) -> Option<T> {
        let own = self.items.get(&network).map_or(0, VecDeque::len);
        let longest = self
            .items
            .values_mut()
            .max_by_key(|items| items.len())
            .filter(|items| items.len() > own + 1)?;
        // At least one is left, so that the network keeps its turn.
        let newest = longest.pop_back()?;
        self.len -= 1;
        Some(newest)
    }

    fn take(&mut self) -> Option<T> {
        let network = self.turns.pop_front()?;
        let of_network = self.items.get_mut(&network)?;
        let item = of_network.pop_front()?;
        if of_network.is_empty() {
            self.items.remove(&network);
        } else {
            self.turns.push_back(network);
        }
        self.len -= 1;
        Some(item)
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, thread};

    use super::*;

    fn open(network: u8) -> QueueKey {
        QueueKey {
            class: QueueClass::Open,
            network: Some(IpAddr::from([192, 0, 2, network])),
        }
    }

    fn reserved(network: u8) -> QueueKey {
        QueueKey {
            class: QueueClass::Reserved,
            ..open(network)
        }
    }

    fn filled(limit: usize, items: &[(QueueKey, &'static str)]) -> FairQueue<&'static str> {
        let queue = FairQueue::new(limit, false);
        for (key, item) in items {
            assert_eq!(queue.push(*key, *item), Pushed::Queued);
        }
        queue
    }

    /// What is left, in the order in which it is served.
    fn rest(queue: &FairQueue<&'static str>) -> Vec<&'static str> {
        queue.close();
        let rest = std::iter::from_fn(|| queue.pop()).collect();
        assert_eq!(queue.len(), 0);
        let state = queue.lock();
        assert!(state.open.items.is_empty() && state.reserved.items.is_empty());
        rest
    }

    #[test]
    fn a_client_with_one_item_is_next_but_one_behind_a_client_with_many() {
        let flood = [(open(1), "a"); 100];
        let queue = filled(101, &flood);
        assert_eq!(queue.push(open(2), "b"), Pushed::Queued);
        assert_eq!(rest(&queue)[..3], ["a", "b", "a"]);
    }

    #[test]
    fn clients_take_turns_and_each_is_served_in_order() {
        let queue = filled(
            9,
            &[
                (open(1), "a1"),
                (open(1), "a2"),
                (open(1), "a3"),
                (open(2), "b1"),
                (open(3), "c1"),
                (open(2), "b2"),
            ],
        );
        assert_eq!(rest(&queue), ["a1", "b1", "c1", "a2", "b2", "a3"]);
    }

    #[test]
    fn a_client_alone_may_fill_the_queue() {
        let queue = filled(3, &[(open(1), "a"); 3]);
        assert_eq!(queue.push(open(1), "one more"), Pushed::Refused("one more"));
        assert_eq!(rest(&queue), ["a"; 3]);
    }

    #[test]
    fn a_full_queue_displaces_the_newest_item_of_the_client_with_the_most() {
        let items = [(open(1), "a1"), (open(2), "b1"), (open(1), "a2")];
        let queue = filled(3, &items);
        assert_eq!(queue.push(open(3), "c1"), Pushed::Displaced("a2"));
        // All have the same now, so nobody's is removed for one more.
        assert_eq!(queue.push(open(4), "d1"), Pushed::Refused("d1"));
        assert_eq!(queue.push(open(2), "b2"), Pushed::Refused("b2"));
        assert_eq!(rest(&queue), ["a1", "b1", "c1"]);
    }

    #[test]
    fn many_clients_share_a_full_queue_evenly() {
        let queue = FairQueue::new(12, false);
        for _ in 0..100 {
            for (network, item) in [(1, "a"), (2, "b"), (3, "c")] {
                queue.push(open(network), item);
            }
        }
        assert_eq!(rest(&queue), ["a", "b", "c"].repeat(4));
    }

    #[test]
    fn classes_take_turns_and_are_full_for_themselves() {
        let queue = filled(3, &[(open(1), "login"); 3]);
        assert_eq!(queue.push(reserved(1), "reset"), Pushed::Queued);
        assert_eq!(queue.push(reserved(1), "change"), Pushed::Queued);
        assert_eq!(queue.len(), 5);
        assert_eq!(rest(&queue), ["reset", "login", "change", "login", "login"]);
    }

    #[test]
    fn whoever_waits_is_given_what_is_pushed_and_told_of_the_end() {
        let queue = Arc::new(FairQueue::new(1, false));
        let waiting: Vec<_> = (0..2)
            .map(|_| {
                let queue = Arc::clone(&queue);
                thread::spawn(move || std::iter::from_fn(|| queue.pop()).count())
            })
            .collect();
        let mut queued = 0;
        while queued < 100 {
            if queue.push(open(1), "a") == Pushed::Queued {
                queued += 1;
            } else {
                thread::yield_now();
            }
        }
        queue.close();
        let counts = waiting.into_iter().map(|thread| thread.join().unwrap());
        assert_eq!(counts.sum::<usize>(), 100);
    }
}
