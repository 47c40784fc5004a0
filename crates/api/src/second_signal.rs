//! Being told to end a second time.

use std::{future::poll_fn, io, task::Poll};

use actix_web::rt::signal::unix::{Signal, SignalKind, signal};

/// The signals that tell the process to end.
pub(crate) struct EndSignals([Signal; 2]);

impl EndSignals {
    /// Listens from now on. Whoever else does so, hears them as well.
    ///
    /// # Errors
    /// When the operating system does not let it.
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self([
            signal(SignalKind::terminate())?,
            signal(SignalKind::interrupt())?,
        ]))
    }

    /// Waits until the process was told twice.
    pub(crate) async fn second(mut self) {
        self.next().await;
        self.next().await;
    }

    async fn next(&mut self) {
        poll_fn(|context| {
            let mut signals = self.0.iter_mut();
            if signals.any(|signal| signal.poll_recv(context).is_ready()) {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }
}
