//! A runtime on an SQLite file.

use std::{
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tempfile::TempDir;
use todo_application::{
    App,
    account::{LoginLimits, RefreshLimits, Register, TokenDelivery, register},
    operation::Operator,
};
use todo_domain::{Client, DisplayName, Email, Password, SessionPolicy, ThrottlePolicy};
use todo_infra::{
    Argon2id, Argon2idParams, CommonPasswordList, Database, DatabaseUrl, JwtTokens, KeyRing,
    LogMailer, Passwords, PoolSettings, RandomIds, RandomSecrets, SigningKey, SystemClock,
};
use todo_runtime::{
    RateLimitSettings, Runtime, TraceId, TraceParent, Tracer, WorkerPools,
    worker_pool::{QueueOrder, WorkerPool, WorkerPoolMetrics, WorkerPoolSettings},
};
use tracing::Span;

/// A server without an adapter.
pub(crate) struct Server {
    pub(crate) runtime: Arc<Runtime>,
    tracer: Arc<Counter>,
    _folder: TempDir,
}

/// Counts traces.
#[derive(Default)]
struct Counter(AtomicUsize);

impl Tracer for Counter {
    fn continue_trace(&self, _: &Span, _: Option<&TraceParent>) -> Option<TraceId> {
        self.0.fetch_add(1, Ordering::Relaxed);
        None
    }

    fn rename(&self, _: &Span, _: String) {}

    fn put_within(&self, _: &Span, _: &Span) {}
}

impl Server {
    /// A server on which a user may make so many requests a minute.
    pub(crate) fn new(per_minute: Option<u32>) -> Self {
        let folder = TempDir::new().unwrap();
        let url: DatabaseUrl = format!("sqlite://{}/todo.db", folder.path().display())
            .parse()
            .unwrap();
        let database = Database::new(url.clone(), &PoolSettings::for_kind(url.kind()));
        database.migrate().unwrap();
        let tracer = Arc::new(Counter::default());
        let metrics = WorkerPoolMetrics::default();
        let pool = |name| {
            let settings = WorkerPoolSettings {
                threads: 2,
                queue: 8,
                order: QueueOrder::Fifo,
                priority: 0,
                hang_limit: None,
            };
            WorkerPool::start(name, settings, &metrics).unwrap()
        };
        let pools = WorkerPools {
            database: pool("database"),
            bulk: pool("bulk"),
            hashing: pool("hashing"),
            mail: pool("mail"),
        };
        let limits = RateLimitSettings {
            requests_per_minute_per_address: None,
            requests_per_minute_per_user: per_minute.and_then(NonZeroU32::new),
        };
        let deadline = Duration::from_mins(1);
        let tracer_of_runtime = Arc::<Counter>::clone(&tracer);
        Self {
            runtime: Arc::new(Runtime::new(
                app(&database),
                pools,
                tracer_of_runtime,
                deadline,
                limits,
            )),
            tracer,
            _folder: folder,
        }
    }

    /// The access token of a new user.
    pub(crate) fn token(&self, email: &str) -> String {
        let input = Register {
            email: Email::new(email).unwrap(),
            password: Password::new("correct horse").unwrap(),
            name: DisplayName::new("Ada").unwrap(),
            keeper: TokenDelivery::Body,
            device: None,
            replaced_cookie: None,
        };
        let registered = register(&self.runtime.app, &Client::default(), input).unwrap();
        registered.signed_in.token.expose().to_owned()
    }

    /// Ends every session, as another instance might.
    pub(crate) fn end_sessions(&self) {
        let app = &self.runtime.app;
        let operator = Operator {
            users: &*app.users,
            sessions: &*app.sessions,
            security_events: &*app.security_events,
            clock: &*app.clock,
            ids: &*app.ids,
        };
        operator.end_all_sessions(false).unwrap();
    }

    /// The number of traces so far.
    pub(crate) fn traces(&self) -> usize {
        self.tracer.0.load(Ordering::Relaxed)
    }
}

fn app(database: &Database) -> App {
    let storage = Arc::new(database.clone());
    let clock = Arc::new(SystemClock);
    let key = SigningKey::hs256(&[7; 32]).unwrap();
    let ring = Arc::new(KeyRing::configured(
        key,
        Vec::new(),
        Arc::<SystemClock>::clone(&clock),
    ));
    let tokens = Arc::new(JwtTokens::new(
        Arc::clone(&ring),
        Arc::<SystemClock>::clone(&clock),
    ));
    let cheap = Argon2idParams {
        memory_kib: 8,
        iterations: 1,
        parallelism: 1,
    };
    App {
        users: Arc::<Database>::clone(&storage),
        sessions: Arc::<Database>::clone(&storage),
        personal_access_tokens: Arc::<Database>::clone(&storage),
        security_events: Arc::<Database>::clone(&storage),
        guesses: Arc::<Database>::clone(&storage),
        todos: Arc::<Database>::clone(&storage),
        idempotency_keys: Arc::<Database>::clone(&storage),
        probe: Arc::<Database>::clone(&storage),
        mailed_secrets: storage,
        hasher: Arc::new(Passwords::new(Argon2id::new(cheap).unwrap())),
        common_passwords: Arc::new(CommonPasswordList),
        tokens: Arc::<JwtTokens>::clone(&tokens),
        refresh_tokens: tokens,
        secrets: Arc::new(RandomSecrets),
        mailer: Arc::new(LogMailer { with_text: false }),
        public_keys: ring,
        clock,
        ids: Arc::new(RandomIds),
        session_policy: SessionPolicy::default(),
        throttle_policy: ThrottlePolicy::default(),
        login_limits: Arc::new(LoginLimits::new(None)),
        refresh_limits: Arc::new(RefreshLimits::new(None)),
        failed_login_floor: Arc::default(),
        security_event_retention: Duration::from_hours(24),
        public_url: None,
    }
}
