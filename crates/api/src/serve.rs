//! Serving HTTP.

use std::{future::ready, io, net::TcpListener, sync::Arc, time::Duration};

use actix_http::{HttpService, KeepAlive, Protocol, error::DispatchError};
use actix_server::Server;
use actix_service::{IntoServiceFactory, ServiceFactoryExt, fn_service, map_config};
use actix_web::{
    App as ActixApp, Error,
    dev::AppConfig,
    middleware::from_fn,
    rt::{self, System, net::TcpStream},
    web::Data,
};
use todo_runtime::Runtime;

use crate::{
    BodySettings, ConnectionSettings, CorsOrigins, Metrics, State, TrustedProxies,
    address_limit::limit_address,
    budget::ByteBudget,
    connection::{Acceptor, Connection, LINGER, Peers},
    cors::cors,
    edge::edge,
    routes,
    shutdown::{self, ShutdownFlag, close_when_shutting_down},
};

/// How HTTP is served.
#[derive(Debug, Clone)]
pub struct ServeSettings {
    /// How many threads serve connections.
    pub workers: usize,
    /// How many connections are served at a time, rounded up to the same number for each worker. More wait to be
    /// accepted.
    pub max_connections: usize,
    /// What is bounded about bodies.
    pub body: BodySettings,
    /// The limits of connections.
    pub connection: ConnectionSettings,
    /// The largest number of bytes of the bodies of requests and responses that are in memory, without small ones.
    pub buffered_bytes: usize,
    /// The proxies that are believed when they say whom they forward for.
    pub trusted_proxies: TrustedProxies,
    /// The origins whose pages may call.
    pub cors_origins: CorsOrigins,
    /// For how long requests that are under way are waited for when the server is told to end.
    pub shutdown_deadline: Duration,
}

/// For how long an unused connection is kept.
const KEEP_ALIVE: Duration = Duration::from_secs(75);

/// Serves HTTP on `listener` until the process is told to end (SIGTERM), and then until what is under way is answered, or
/// the process is told again.
///
/// # Errors
/// When the listener cannot be used, or, as [`io::ErrorKind::Interrupted`], when the process was told to end a second time
/// while something was under way.
pub fn serve(
    listener: TcpListener,
    runtime: Arc<Runtime>,
    metrics: Metrics,
    settings: ServeSettings,
) -> io::Result<()> {
    let evicting = keep_evicting(Arc::clone(&runtime));
    let budget = ByteBudget::new(settings.buffered_bytes, metrics.buffers.clone());
    let peers = Peers::new(
        settings.connection.per_address,
        settings.trusted_proxies.clone(),
    );
    let acceptor = Acceptor::new(settings.connection, peers, metrics.connections.clone());
    let state = Data::new(State {
        runtime,
        metrics,
        body: settings.body,
        budget,
        trusted_proxies: settings.trusted_proxies,
        cors_origins: settings.cors_origins.clone(),
    });
    let ending = Data::new(ShutdownFlag::default());
    let ending_of_answers = ending.clone();
    let origins = settings.cors_origins;
    let app = move || {
        ActixApp::new()
            .app_data(state.clone())
            .app_data(ending_of_answers.clone())
            .configure(routes::configure)
            .wrap(from_fn(limit_address))
            .wrap(cors(&origins))
            .wrap(from_fn(edge))
            .wrap(from_fn(close_when_shutting_down))
    };
    let local_address = listener.local_addr()?;
    let head_deadline = settings.connection.head_deadline;
    let server = Server::build()
        .workers(settings.workers)
        // Each worker has its share.
        .max_concurrent_connections(settings.max_connections.div_ceil(settings.workers.max(1)))
        .shutdown_timeout(settings.shutdown_deadline.as_secs())
        .disable_signals();
    let shutdown = server.graceful_shutdown_signal();
    let server = server
        .listen("http", listener, move || {
            let acceptor = acceptor.clone();
            let accept = move |stream: TcpStream| {
                let accepted = acceptor.accept(stream);
                ready(match accepted {
                    Ok((connection, peer)) => Ok((connection, Protocol::Http1, peer)),
                    Err(error) => Err(DispatchError::Io(error)),
                })
            };
            let shutdown = shutdown.clone();
            let app = app()
                .into_factory()
                .map_err(|error: Error| error.error_response());
            let http = HttpService::build()
                .graceful_shutdown_signal(move || {
                    let shutdown = shutdown.clone();
                    async move { shutdown.notified().await }
                })
                .keep_alive(KeepAlive::Timeout(KEEP_ALIVE))
                .client_request_timeout(head_deadline)
                .client_disconnect_timeout(LINGER)
                .local_addr(local_address)
                .on_connect_ext(|connection: &Connection<TcpStream>, data| {
                    data.insert(connection.handle());
                })
                .finish(map_config(app, |()| AppConfig::default()));
            fn_service(accept).and_then(http)
        })?
        .run();
    System::new().block_on(async {
        // It ends with the system.
        rt::spawn(evicting);
        shutdown::run(server, ending).await
    })
}

async fn keep_evicting(runtime: Arc<Runtime>) {
    let mut times = rt::time::interval(Runtime::EVICTION_INTERVAL);
    loop {
        times.tick().await;
        runtime.evict();
    }
}
