//! The state of a connection, as its stream and the outermost middleware see it.

use std::{
    cell::{Cell, RefCell},
    future::poll_fn,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use tokio::time::Instant;

use super::{LINGER, Peer};

/// What a connection is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// It has had no request yet. actix has a deadline for the first head.
    FirstHead,
    /// It has no request, and nothing was read of the next one.
    Idle,
    /// A part of the next head was read.
    Head { deadline: Instant },
    /// A request is served, or its response is written.
    Serving,
    /// The response did not wait for the end of its request. The rest is read for a moment, and discarded.
    Lingering { deadline: Instant },
}

/// The state of a connection. All who share it are on one thread.
#[derive(Debug)]
pub(super) struct ConnectionState {
    phase: Cell<Phase>,
    head_deadline: Duration,
    peer: Option<Arc<Peer>>,
    /// Whether the request that is served was read to its end.
    is_request_read: Cell<bool>,
    /// Whether something was read after that.
    is_read_ahead: Cell<bool>,
    /// Whether the client does not read as fast as responses are written.
    is_write_blocked: Cell<bool>,
    /// The task of the connection, once it is to be woken when its state changes.
    waker: RefCell<Option<Waker>>,
}

impl ConnectionState {
    pub(super) fn new(head_deadline: Duration, peer: Option<Arc<Peer>>) -> Self {
        Self {
            phase: Cell::new(Phase::FirstHead),
            head_deadline,
            peer,
            is_request_read: Cell::new(false),
            is_read_ahead: Cell::new(false),
            is_write_blocked: Cell::new(false),
            waker: RefCell::new(None),
        }
    }

    pub(super) fn phase(&self) -> Phase {
        self.phase.get()
    }

    pub(super) fn is_write_blocked(&self) -> bool {
        self.is_write_blocked.get()
    }

    /// Notes whether a write had to wait.
    pub(super) fn set_write_blocked(&self, is_blocked: bool) {
        if self.is_write_blocked.replace(is_blocked) && !is_blocked {
            self.wake();
        }
    }

    /// Notes that something was read.
    pub(super) fn read(&self, cx: &Context<'_>) {
        match self.phase.get() {
            Phase::Idle => self.begin_head(),
            Phase::Serving if self.is_request_read.get() && !self.is_read_ahead.get() => {
                self.is_read_ahead.set(true);
                self.wake_later(cx);
            }
            _ => {}
        }
    }

    /// Has the task woken when the state changes.
    pub(super) fn wake_later(&self, cx: &Context<'_>) {
        let mut waker = self.waker.borrow_mut();
        if !waker
            .as_ref()
            .is_some_and(|known| known.will_wake(cx.waker()))
        {
            *waker = Some(cx.waker().clone());
        }
    }

    fn wake(&self) {
        if let Some(waker) = &*self.waker.borrow() {
            waker.wake_by_ref();
        }
    }

    fn begin_head(&self) {
        let deadline = Instant::now() + self.head_deadline;
        self.phase.set(Phase::Head { deadline });
    }

    fn end_response(&self) {
        if self.phase.get() != Phase::Serving {
            return;
        }
        if !self.is_request_read.get() {
            let deadline = Instant::now() + LINGER;
            self.phase.set(Phase::Lingering { deadline });
            self.wake();
        } else if self.is_read_ahead.get() {
            self.begin_head();
            self.wake();
        } else {
            self.phase.set(Phase::Idle);
        }
    }
}

/// A connection, as the outermost middleware sees it. Cloning it gives the same.
#[derive(Debug, Clone)]
pub(crate) struct ConnectionHandle(pub(super) Rc<ConnectionState>);

impl ConnectionHandle {
    /// The peer, where connections are counted.
    pub(crate) fn peer(&self) -> Option<&Arc<Peer>> {
        self.0.peer.as_ref()
    }

    /// Begins a request, whose head was read: once the client has read enough of earlier responses. So what is written
    /// ahead of a client is bounded, however many requests it sends without reading.
    pub(crate) async fn begin_request(&self) {
        let state = &self.0;
        state.phase.set(Phase::Serving);
        state.is_request_read.set(false);
        state.is_read_ahead.set(false);
        poll_fn(|cx| {
            if state.is_write_blocked() {
                state.wake_later(cx);
                Poll::Pending
            } else {
                Poll::Ready(())
            }
        })
        .await;
    }

    /// Notes that the request was read to its end.
    pub(crate) fn end_request(&self) {
        self.0.is_request_read.set(true);
    }

    /// Whether the request was read to its end.
    pub(crate) fn is_request_read(&self) -> bool {
        self.0.is_request_read.get()
    }

    /// Has the response noted as written when the guard is dropped.
    pub(crate) async fn begin_response(self) -> ResponseGuard {
        if !self.is_request_read() {
            poll_fn(|cx| {
                self.0.wake_later(cx);
                Poll::Ready(())
            })
            .await;
        }
        ResponseGuard(self)
    }
}

/// A response that is not written yet.
#[derive(Debug)]
pub(crate) struct ResponseGuard(ConnectionHandle);

impl Drop for ResponseGuard {
    fn drop(&mut self) {
        self.0.0.end_response();
    }
}
