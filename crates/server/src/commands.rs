//! What the program does: each command, and how its parts are put together.

use std::{net::TcpListener, sync::Arc, thread, time::Duration};

use todo_api::ServeSettings;
use todo_application::{
    App,
    account::{LoginLimits, RefreshLimits},
    operation::{Pruned, prune},
};
use todo_domain::ports::Clock;
use todo_infra::{
    CommonPasswordList, ConcurrencyLimitedHasher, DatabaseKind, JwtTokens, Passwords, RandomIds,
    RandomSecrets, SystemClock,
};
use todo_runtime::{
    Runtime, WorkerPools,
    worker_pool::{QueueOrder, WorkerPool, WorkerPoolSettings},
};
use tracing::{error, info, warn};

use crate::{
    command::{CommandResult, read_config},
    config::{HashingConfig, HttpConfig, MailDelivery},
    keys, logging,
    metrics::ServerMetrics,
    migration, report, secret_files,
};

/// How often what no longer counts is cleared away.
const PRUNE_INTERVAL: Duration = Duration::from_hours(1);

/// The nice value of logins and of work after a response: without a free core, they get a tenth of the time that others
/// get. So a crowd of logins hardly slows others down, and no response is delayed by the work after it, which would tell
/// what that is.
const BACKGROUND_PRIORITY: i32 = 10;

/// After how many deadlines of a request a thread of a worker pool is replaced: it hangs in the database. Hashes wait for one
/// another, and mails for their server.
const DATABASE_DEADLINES: u32 = 2;
const HASHING_DEADLINES: u32 = 4;
const MAIL_DEADLINES: u32 = 20;

/// How much longer than that it takes: by then the database's own watchdog has had a statement cancelled.
const HANG_GRACE: Duration = Duration::from_secs(1);

/// How many threads clear away at a time, where the first ones hang in the database.
const MAX_PRUNING_THREADS: usize = 3;

/// How many mails are sent at the same time.
const MAIL_THREADS: usize = 2;

/// `todo-server serve`
pub(crate) fn serve() -> CommandResult {
    let config = read_config()?;
    let longest_token_lifetime = config.longest_token_lifetime();
    let secret_paths = secret_files::paths(&config);
    let (log, traces) = logging::start_with_traces(config.log, config.observation.traces)?;
    warn_of_mails_not_sent(config.mail.delivery);
    secret_files::restrict(&secret_paths)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let ring = keys::ring(
        config.signing_keys,
        longest_token_lifetime,
        Arc::clone(&clock),
    )?;
    let ring = Arc::new(ring);
    let database_threads = config.database.useful_threads();
    let bulk_threads = config.database.bulk_threads();
    let database = config
        .database
        .serving_database(config.http.request_deadline);
    database.migrate_and_tell(&mut migration::log())?;
    database.watch()?;

    let metrics = ServerMetrics::new(&database, log.count_of_lost(), log.malformed_requests());
    let pools = start_worker_pools(
        &config.http,
        &config.hashing,
        (database_threads, bulk_threads),
        database.url().kind(),
        &metrics,
    )?;
    let jwt = Arc::new(JwtTokens::new(Arc::clone(&ring), Arc::clone(&clock)));
    let app = App {
        users: Arc::new(database.clone()),
        sessions: Arc::new(database.clone()),
        personal_access_tokens: Arc::new(database.clone()),
        security_events: Arc::new(database.clone()),
        guesses: Arc::new(database.clone()),
        todos: Arc::new(database.clone()),
        idempotency_keys: Arc::new(database.clone()),
        probe: Arc::new(database.clone()),
        hasher: Arc::new(ConcurrencyLimitedHasher::new(
            metrics.measured(Arc::new(Passwords::new(config.hashing.argon2id))),
            config.hashing.threads,
            pools.database.count_of_runs(),
        )),
        common_passwords: Arc::new(CommonPasswordList),
        tokens: Arc::<JwtTokens>::clone(&jwt),
        refresh_tokens: jwt,
        secrets: Arc::new(RandomSecrets),
        mailed_secrets: Arc::new(database.clone()),
        mailer: config.mail.mailer,
        public_keys: ring,
        clock,
        ids: Arc::new(RandomIds),
        session_policy: config.sessions.policy,
        throttle_policy: config.throttle,
        login_limits: Arc::new(LoginLimits::new(config.logins_per_minute)),
        refresh_limits: Arc::new(RefreshLimits::new(config.refreshes_per_minute)),
        failed_login_floor: Arc::default(),
        security_event_retention: config.sessions.security_event_retention,
        public_url: config.mail.public_url,
    };
    let settings = ServeSettings {
        workers: config.http.workers,
        max_connections: config.http.max_connections,
        body: config.http.body,
        connection: config.http.connection,
        buffered_bytes: config.http.buffered_bytes,
        cors_origins: config.http.cors_origins,
        trusted_proxies: config.http.trusted_proxies,
        shutdown_deadline: config.http.shutdown_deadline,
    };
    let listener = TcpListener::bind(config.listen)
        .map_err(|error| format!("cannot listen on {}: {error}", config.listen))?;
    let address = listener.local_addr()?;
    report::line(&format!("Listening on http://{address}"));
    report::line(&format!("Database     {}", database.url()));
    report::line(&format!("Docs         http://{address}/api/docs/"));

    let runtime = Arc::new(Runtime::new(
        app.clone(),
        pools,
        traces.tracer(),
        config.http.request_deadline,
        config.http.rate_limits,
    ));
    let api_metrics = metrics.api().clone();
    if let Some(address) = config.observation.metrics_listen {
        let address = metrics.serve(address)?;
        report::line(&format!("Metrics      http://{address}/metrics"));
    }

    keep_pruning(app.clone())?;
    keep_refreshing_floor(app.clone())?;
    log.malformed_requests().keep_logging()?;
    todo_api::serve(listener, runtime, api_metrics, settings)?;
    traces.end();
    info!("ended");
    Ok(())
}

/// Says in the log what becomes of mails where there is no server for them.
fn warn_of_mails_not_sent(delivery: MailDelivery) {
    match delivery {
        MailDelivery::Smtp { .. } => {}
        MailDelivery::Log { with_text: true } => warn!(
            "SMTP_URL is not set: mails are written to this log, with the secrets in them, and not sent"
        ),
        MailDelivery::Log { with_text: false } => {
            warn!("SMTP_URL is not set: no mail is sent, and no password can be reset");
        }
    }
}

/// Starts the worker pools. Threads can hang in PostgreSQL, and not in SQLite, which has no server.
fn start_worker_pools(
    http: &HttpConfig,
    hashing: &HashingConfig,
    (database_threads, bulk_threads): (usize, usize),
    kind: DatabaseKind,
    metrics: &ServerMetrics,
) -> std::io::Result<WorkerPools> {
    let start_pool = |name, threads, (order, queue), priority, deadlines| {
        let settings = WorkerPoolSettings {
            threads,
            queue,
            order,
            priority,
            hang_limit: (kind == DatabaseKind::Postgres)
                .then(|| http.request_deadline * deadlines + HANG_GRACE),
        };
        WorkerPool::start(name, settings, &metrics.api().worker_pools)
    };
    Ok(WorkerPools {
        database: start_pool(
            "database",
            database_threads,
            (QueueOrder::Fifo, http.queue),
            0,
            DATABASE_DEADLINES,
        )?,
        bulk: start_pool(
            "bulk",
            bulk_threads,
            (QueueOrder::Fifo, http.queue),
            0,
            DATABASE_DEADLINES,
        )?,
        hashing: start_pool(
            "hashing",
            hashing.pool_threads(),
            (QueueOrder::Fair, hashing.queue),
            BACKGROUND_PRIORITY,
            HASHING_DEADLINES,
        )?,
        mail: start_pool(
            "mail",
            MAIL_THREADS,
            (QueueOrder::Priority, http.queue),
            BACKGROUND_PRIORITY,
            MAIL_DEADLINES,
        )?,
    })
}

/// `todo-server migrate`
pub(crate) fn migrate() -> CommandResult {
    let config = read_config()?;
    logging::start(config.log);
    let database = config.database.database();
    let mut shown = migration::Shown::new();
    let steps = database.migrate_and_tell(&mut |progress| shown.show(progress))?;
    shown.end(&steps);
    Ok(())
}

/// `todo-server migrate --dry-run`
pub(crate) fn plan_migration() -> CommandResult {
    let config = read_config()?;
    logging::start(config.log);
    let database = config.database.database();
    migration::show_plan(&database.plan_migration()?);
    Ok(())
}

/// `todo-server openapi`
#[expect(
    clippy::unnecessary_wraps,
    reason = "every command has the same signature"
)]
pub(crate) fn openapi() -> CommandResult {
    report::line(todo_api::openapi_json().trim_end());
    Ok(())
}

/// Clears away what no longer counts, now and then, for as long as the process lives; on a thread of its own each time,
/// since one that hangs in the database must not be the last.
fn keep_pruning(app: App) -> std::io::Result<()> {
    thread::Builder::new()
        .name("pruning".to_owned())
        .spawn(move || {
            let mut running: Vec<thread::JoinHandle<()>> = Vec::new();
            loop {
                running.retain(|thread| !thread.is_finished());
                if running.len() < MAX_PRUNING_THREADS {
                    let app = app.clone();
                    let started = thread::Builder::new()
                        .name("prune".to_owned())
                        .spawn(move || prune_once(&app));
                    match started {
                        Ok(thread) => running.push(thread),
                        Err(error) => error!(%error, "there is no thread to clear away"),
                    }
                } else {
                    error!("nothing is cleared away, since the database does not answer");
                }
                thread::sleep(PRUNE_INTERVAL);
            }
        })
        .map(drop)
}

/// Keeps asking whether any account has a hash by bcrypt, for as long as the process lives.
fn keep_refreshing_floor(app: App) -> std::io::Result<()> {
    thread::Builder::new()
        .name("bcrypt".to_owned())
        .spawn(move || {
            loop {
                if let Err(error) = app.failed_login_floor.refresh(&*app.users) {
                    warn!(%error, "it is not known whether any account has a hash by bcrypt");
                }
                thread::sleep(PRUNE_INTERVAL);
            }
        })
        .map(drop)
}

fn prune_once(app: &App) {
    match prune(app) {
        Ok(Pruned {
            sessions,
            personal_access_tokens,
            idempotency_keys,
            mailed_secrets,
            security_events,
            guesses,
        }) => info!(
            sessions,
            personal_access_tokens,
            idempotency_keys,
            mailed_secrets,
            security_events,
            guesses,
            "cleared away"
        ),
        Err(error) => error!(%error, "what no longer counts cannot be cleared away"),
    }
}
