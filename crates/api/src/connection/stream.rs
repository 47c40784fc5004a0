//! The stream of a connection, which keeps its deadlines.

use std::{
    fmt, io,
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::Instant,
};

use super::{
    ConnectionHandle, ConnectionSettings, Peer,
    state::{ConnectionState, Phase},
    timer::LazyTimer,
};
use crate::metrics::{ConnectionMetrics, Deadline};

/// The largest number of bytes that are read in a row, before what was read is served and written.
const READ_AT_ONCE: usize = 8 * 1_024;

/// How the response begins that actix gives to a first head that is late.
const LATE_HEAD: &[u8] = b"HTTP/1.1 408 ";

/// A stream `S` whose client has deadlines, and which is not read while its client does not read.
pub(crate) struct Connection<S> {
    stream: S,
    state: Rc<ConnectionState>,
    settings: ConnectionSettings,
    metrics: ConnectionMetrics,
    read_timer: LazyTimer,
    write_timer: LazyTimer,
    /// Since when a write has been waiting without progress.
    blocked_since: Option<Instant>,
    /// The number of bytes that were read in a row.
    read: usize,
}

impl<S> Connection<S> {
    pub(super) fn new(
        stream: S,
        settings: ConnectionSettings,
        peer: Option<Arc<Peer>>,
        metrics: ConnectionMetrics,
    ) -> Self {
        metrics.open();
        Self {
            stream,
            state: Rc::new(ConnectionState::new(settings.head_deadline, peer)),
            settings,
            metrics,
            read_timer: LazyTimer::default(),
            write_timer: LazyTimer::default(),
            blocked_since: None,
            read: 0,
        }
    }

    /// The connection, as the outermost middleware sees it.
    pub(crate) fn handle(&self) -> ConnectionHandle {
        ConnectionHandle(Rc::clone(&self.state))
    }

    /// Whether the client took too long for what it is sending.
    fn poll_read_deadline(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let (deadline, what) = match self.state.phase() {
            Phase::Head { deadline } => (deadline, Deadline::Head),
            Phase::Lingering { deadline } => (deadline, Deadline::Body),
            Phase::FirstHead | Phase::Idle | Phase::Serving => return Poll::Pending,
        };
        let poll = self.read_timer.poll(deadline, cx);
        if poll.is_ready() {
            self.metrics.close_by(what);
        }
        poll
    }

    /// The result of a write, which fails if the client has read nothing for too long.
    fn check_write(
        &mut self,
        written: Poll<io::Result<usize>>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            if self.blocked_since.take().is_some() {
                self.state.set_write_blocked(false);
            }
            return written;
        }
        let since = *self.blocked_since.get_or_insert_with(Instant::now);
        self.state.set_write_blocked(true);
        let deadline = since + self.settings.write_deadline;
        if self.write_timer.poll(deadline, cx).is_ready() {
            self.metrics.close_by(Deadline::Write);
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        Poll::Pending
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Connection<S> {
    /// Reads, or says that the client has ended where it took too long: so whatever was written is still sent.
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.state.is_write_blocked() {
            this.state.wake_later(cx);
            return Poll::Pending;
        }
        if this.poll_read_deadline(cx).is_ready() {
            return Poll::Ready(Ok(()));
        }
        if this.read >= READ_AT_ONCE {
            this.read = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let before = buffer.filled().len();
        let poll = Pin::new(&mut this.stream).poll_read(cx, buffer);
        let count = buffer.filled().len() - before;
        if count > 0 {
            this.read += count;
            this.state.read(cx);
        } else if poll.is_pending() {
            this.read = 0;
        }
        poll
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Connection<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.state.phase() == Phase::FirstHead && bytes.starts_with(LATE_HEAD) {
            this.metrics.close_by(Deadline::Head);
        }
        let written = Pin::new(&mut this.stream).poll_write(cx, bytes);
        this.check_write(written, cx)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

impl<S> fmt::Debug for Connection<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

impl<S> Drop for Connection<S> {
    fn drop(&mut self) {
        self.metrics.close();
    }
}

#[cfg(test)]
mod tests {
    use std::{num::NonZeroUsize, time::Duration};

    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    use super::*;

    const DEADLINE: Duration = Duration::from_secs(8);
    const WRITE_DEADLINE: Duration = Duration::from_secs(30);

    /// A connection, and its client.
    fn connection(buffer: usize) -> (Connection<DuplexStream>, DuplexStream) {
        let settings = ConnectionSettings {
            per_address: NonZeroUsize::new(1),
            head_deadline: DEADLINE,
            write_deadline: WRITE_DEADLINE,
        };
        let (stream, client) = duplex(buffer);
        let metrics = ConnectionMetrics::default();
        (Connection::new(stream, settings, None, metrics), client)
    }

    /// Serves a request, as the middleware sees it.
    async fn serve(connection: &Connection<DuplexStream>, is_read: bool) {
        let handle = connection.handle();
        handle.begin_request().await;
        if is_read {
            handle.end_request();
        }
        drop(handle.begin_response().await);
    }

    async fn read(connection: &mut Connection<DuplexStream>) -> String {
        let mut bytes = [0; 64];
        let length = connection.read(&mut bytes).await.unwrap();
        String::from_utf8_lossy(&bytes[..length]).into_owned()
    }

    #[tokio::test(start_paused = true)]
    async fn the_deadline_of_a_later_head_begins_with_its_first_byte() {
        let (mut connection, mut client) = connection(64);
        client.write_all(b"first").await.unwrap();
        assert_eq!(read(&mut connection).await, "first");
        serve(&connection, true).await;
        tokio::time::sleep(10 * DEADLINE).await;
        client.write_all(b"sec").await.unwrap();
        let began = Instant::now();
        assert_eq!(read(&mut connection).await, "sec");
        let trickle = async {
            loop {
                tokio::time::sleep(Duration::from_secs(3)).await;
                drop(client.write_all(b"x").await);
            }
        };
        let rest = async { while !read(&mut connection).await.is_empty() {} };
        tokio::select! {
            _ = trickle => {}
            () = rest => {}
        }
        assert_eq!(began.elapsed(), DEADLINE);
    }

    #[tokio::test(start_paused = true)]
    async fn a_part_of_a_head_that_was_read_during_a_response_has_a_deadline() {
        let (mut connection, mut client) = connection(64);
        let handle = connection.handle();
        handle.begin_request().await;
        handle.end_request();
        client.write_all(b"sec").await.unwrap();
        assert_eq!(read(&mut connection).await, "sec");
        let began = Instant::now();
        drop(handle.begin_response().await);
        assert_eq!(read(&mut connection).await, "");
        assert_eq!(began.elapsed(), DEADLINE);
    }

    #[tokio::test(start_paused = true)]
    async fn the_rest_of_a_request_that_was_answered_is_read_for_a_moment() {
        let (mut connection, mut client) = connection(64);
        serve(&connection, false).await;
        let began = Instant::now();
        client.write_all(b"rest").await.unwrap();
        assert_eq!(read(&mut connection).await, "rest");
        assert_eq!(read(&mut connection).await, "");
        assert_eq!(began.elapsed(), super::super::LINGER);
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_fails_once_the_client_has_read_nothing_for_too_long() {
        let (mut connection, mut client) = connection(4);
        connection.write_all(b"four").await.unwrap();
        let began = Instant::now();
        let reader = async {
            for _ in 0..3 {
                tokio::time::sleep(WRITE_DEADLINE / 2).await;
                client.read_exact(&mut [0; 4]).await.unwrap();
            }
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = reader => {}
            written = connection.write_all(&[0; 64]) => {
                assert_eq!(written.unwrap_err().kind(), io::ErrorKind::TimedOut);
            }
        }
        assert_eq!(began.elapsed(), WRITE_DEADLINE / 2 * 3 + WRITE_DEADLINE);
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_read_and_no_request_begins_while_a_write_waits() {
        let (mut connection, mut client) = connection(4);
        let handle = connection.handle();
        client.write_all(b"more").await.unwrap();
        let is_pending = tokio::time::timeout(DEADLINE, connection.write_all(b"12345678")).await;
        assert!(is_pending.is_err());
        assert!(connection.handle().0.is_write_blocked());
        let wait = tokio::time::timeout(DEADLINE, handle.begin_request()).await;
        assert!(wait.is_err());
        let wait = tokio::time::timeout(DEADLINE, read(&mut connection)).await;
        assert!(wait.is_err());
        client.read_exact(&mut [0; 4]).await.unwrap();
        connection.write_all(b"5678").await.unwrap();
        handle.begin_request().await;
        assert_eq!(read(&mut connection).await, "more");
    }
}
