//! A timer for deadlines that are mostly met.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use tokio::time::{Instant, Sleep, sleep_until};

/// A timer that is set again only when it has fired: it wakes its task at some instant no later than the deadline that
/// was polled last, so a deadline that is renewed with each request costs nothing.
///
/// All polls must come from one task.
#[derive(Debug, Default)]
pub(super) struct LazyTimer(Option<Pin<Box<Sleep>>>);

impl LazyTimer {
    /// Whether the deadline has passed; if not, the task is woken no later than then, and has to poll again.
    pub(super) fn poll(&mut self, deadline: Instant, cx: &mut Context<'_>) -> Poll<()> {
        if Instant::now() >= deadline {
            return Poll::Ready(());
        }
        let sleep = match &mut self.0 {
            Some(sleep) if !sleep.is_elapsed() && sleep.deadline() <= deadline => {
                return Poll::Pending;
            }
            Some(sleep) => {
                sleep.as_mut().reset(deadline);
                sleep
            }
            none => none.insert(Box::pin(sleep_until(deadline))),
        };
        sleep.as_mut().poll(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, time::Duration};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_deadline_is_waited_for_though_an_earlier_one_was_set() {
        let mut timer = LazyTimer::default();
        let began = Instant::now();
        let mut deadline = began + Duration::from_secs(1);
        let mut polls = 0;
        poll_fn(|cx| {
            polls += 1;
            let poll = timer.poll(deadline, cx);
            deadline = began + Duration::from_secs(5);
            poll
        })
        .await;
        assert_eq!(began.elapsed(), Duration::from_secs(5));
        assert!(polls <= 3, "{polls}");
    }

    #[tokio::test(start_paused = true)]
    async fn an_earlier_deadline_replaces_a_later_one() {
        let mut timer = LazyTimer::default();
        let began = Instant::now();
        poll_fn(|cx| {
            assert!(timer.poll(began + Duration::from_mins(1), cx).is_pending());
            Poll::Ready(())
        })
        .await;
        poll_fn(|cx| timer.poll(began + Duration::from_secs(2), cx)).await;
        assert_eq!(began.elapsed(), Duration::from_secs(2));
    }
}
