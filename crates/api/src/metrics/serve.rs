//! Serving metrics, at an address of their own.

use std::{io, net::TcpListener, thread};

use actix_web::{App as ActixApp, HttpResponse, HttpServer, rt::System, web};
use tracing::error;

/// How the text is written: `OpenMetrics` 1.0, which is what Prometheus asks for.
const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// How many connections there can be: those of a few scrapers.
const MAX_CONNECTIONS: usize = 64;

/// Answers `GET /metrics` on `listener` with what `text` gives, for as long as the process lives.
///
/// It has threads of its own, so that it answers whatever else there is to do, also while the server ends.
///
/// # Errors
/// When the operating system gives no thread. When the listener cannot be used, the log says so.
pub fn serve_metrics(
    listener: TcpListener,
    text: impl Fn() -> String + Clone + Send + 'static,
) -> io::Result<()> {
    thread::Builder::new()
        .name("metrics".to_owned())
        .spawn(move || {
            if let Err(error) = serve(listener, text) {
                error!(%error, "metrics cannot be served");
            }
        })
        .map(drop)
}

fn serve(
    listener: TcpListener,
    text: impl Fn() -> String + Clone + Send + 'static,
) -> io::Result<()> {
    let server = HttpServer::new(move || {
        let text = text.clone();
        let metrics = move || {
            let text = text();
            async move { HttpResponse::Ok().content_type(CONTENT_TYPE).body(text) }
        };
        let resource = web::resource("/metrics");
        ActixApp::new().service(resource.get(metrics.clone()).head(metrics))
    })
    .workers(1)
    .max_connections(MAX_CONNECTIONS)
    .disable_signals()
    .listen(listener)?;
    System::new().block_on(server.run())
}
