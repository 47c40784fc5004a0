//! How the server ends.
//!
//! A connection that is kept is closed when its client has just sent the next request on it and nobody has read that yet;
//! the client cannot tell whether it was done. So the end begins with a while in which everything is served as before,
//! and every answer says that it is the last one on its connection.

use std::{
    future::poll_fn,
    io,
    pin::pin,
    sync::atomic::{AtomicBool, Ordering},
    task::Poll,
    time::Duration,
};

use actix_web::{
    Error,
    body::MessageBody,
    dev::{Server, ServiceRequest, ServiceResponse},
    http::ConnectionType,
    middleware::Next,
    rt::{
        signal::unix::{Signal, SignalKind, signal},
        time::sleep,
    },
    web::Data,
};
use futures_util::future::{Either, select};

/// For how long everything is served as before: in which whatever was sent is read, and its client told that the connection
/// ends.
const LAST_ANSWERS: Duration = Duration::from_millis(500);

/// Whether the server was told to end.
#[derive(Debug, Default)]
pub(crate) struct ShutdownFlag(AtomicBool);

/// The middleware that says of the last answers that they are.
pub(crate) async fn close_when_shutting_down<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let ending = request.app_data::<Data<ShutdownFlag>>().cloned();
    let mut response = next.call(request).await?;
    if ending.is_some_and(|ending| ending.0.load(Ordering::Relaxed)) {
        let head = response.response_mut().head_mut();
        head.set_connection_type(ConnectionType::Close);
    }
    Ok(response)
}

/// Runs the server, which listens to no signals, until the process is told to end: by SIGTERM, which lets what is under
/// way be answered, or another signal, which does not.
///
/// # Errors
/// When the server fails, and, as [`io::ErrorKind::Interrupted`], when the process was told a second time meanwhile.
pub(crate) async fn run(server: Server, ending: Data<ShutdownFlag>) -> io::Result<()> {
    let mut signals = EndSignals::listen()?;
    let handle = server.handle();
    let end = async {
        if !signals.next().await.is_graceful() {
            handle.stop(false).await;
            return Ok(());
        }
        ending.0.store(true, Ordering::Relaxed);
        let graceful = async {
            sleep(LAST_ANSWERS).await;
            handle.stop(true).await;
        };
        match select(pin!(graceful), pin!(signals.next())).await {
            Either::Left(_) => Ok(()),
            Either::Right(_) => Err(io::Error::new(
                io::ErrorKind::Interrupted,
                "told twice to end: what was under way is given up",
            )),
        }
    };
    match select(server, pin!(end)).await {
        Either::Left((ended, _)) | Either::Right((ended, _)) => ended,
    }
}

/// One of the signals that tell the process to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum EndSignal {
    Terminate,
    Interrupt,
    Quit,
}

impl EndSignal {
    fn is_graceful(self) -> bool {
        self == Self::Terminate
    }
}

/// All of them.
struct EndSignals([(EndSignal, Signal); 3]);

impl EndSignals {
    /// Listens from now on.
    fn listen() -> io::Result<Self> {
        Ok(Self([
            (EndSignal::Terminate, signal(SignalKind::terminate())?),
            (EndSignal::Interrupt, signal(SignalKind::interrupt())?),
            (EndSignal::Quit, signal(SignalKind::quit())?),
        ]))
    }

    async fn next(&mut self) -> EndSignal {
        poll_fn(|context| {
            let told = self
                .0
                .iter_mut()
                .find_map(|(which, signal)| signal.poll_recv(context).is_ready().then_some(*which));
            told.map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }
}
