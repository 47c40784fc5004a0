//! The configuration: what the environment says, checked as a whole.

use std::{
    fmt::{self, Display},
    fs,
    net::{SocketAddr, ToSocketAddrs},
    str::FromStr,
    thread::available_parallelism,
    time::Duration,
};

use todo_api::{BodySettings, CorsOrigins};
use todo_infra::{Argon2id, Argon2idParams, DatabaseKind, DatabaseUrl, PoolSettings, SigningKey};
use tracing_subscriber::EnvFilter;

/// Where the database is when nothing is configured.
const DEFAULT_DATABASE_URL: &str = "sqlite://todo.db";

/// Everything that the environment configures.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) database_url: DatabaseUrl,
    pub(crate) pool: PoolSettings,
    pub(crate) listen: SocketAddr,
    /// `None` when the key beside the SQLite file is to be used.
    pub(crate) signing_key: Option<SigningKey>,
    pub(crate) previous_keys: Vec<SigningKey>,
    pub(crate) session_lifetime: Duration,
    pub(crate) argon2id: Argon2id,
    pub(crate) hashing_threads: usize,
    pub(crate) workers: usize,
    pub(crate) queue: usize,
    pub(crate) request_deadline: Duration,
    pub(crate) body: BodySettings,
    pub(crate) head_deadline: Duration,
    pub(crate) shutdown_deadline: Duration,
    pub(crate) cors_origins: CorsOrigins,
    pub(crate) log_filter: EnvFilter,
    pub(crate) log_format: LogFormat,
}

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// For programs: one JSON object a line.
    Json,
}

/// Every variable whose value cannot be used, with what would be right.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) struct ConfigError(Vec<String>);

impl Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the configuration cannot be used:")?;
        for fault in &self.0 {
            write!(f, "\n  {fault}")?;
        }
        Ok(())
    }
}

impl Config {
    /// Reads the configuration from variables, as `lookup` finds them.
    pub(crate) fn read(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut variables = Variables {
            lookup: &lookup,
            faults: Vec::new(),
        };
        match variables.config() {
            Some(config) if variables.faults.is_empty() => Ok(config),
            _ => Err(ConfigError(variables.faults)),
        }
    }
}

/// The variables, and what was found to be wrong with them.
struct Variables<'a> {
    lookup: &'a dyn Fn(&str) -> Option<String>,
    faults: Vec<String>,
}

impl Variables<'_> {
    fn config(&mut self) -> Option<Config> {
        let database_url = self.parsed("DATABASE_URL", DEFAULT_DATABASE_URL, DatabaseUrl::from_str);
        let kind = database_url.as_ref().map(DatabaseUrl::kind);
        let pool = self.pool(kind.unwrap_or(DatabaseKind::Sqlite));
        let listen = self.parsed("LISTEN", "127.0.0.1:8000", socket_address);
        let signing_key = self.signing_key(kind);
        let previous_keys = self.previous_keys();
        let session_lifetime = self.seconds("SESSION_LIFETIME_SECONDS", 86_400, 60);
        let argon2id = self.argon2id();
        let cores = available_parallelism().map_or(1, std::num::NonZero::get);
        let hashing_threads = self.number("HASHING_THREADS", cores, 1);
        let workers = self.number("HTTP_WORKERS", cores, 1);
        let queue = self.number("QUEUE_LENGTH", 512, 1);
        let request_deadline = self.seconds("REQUEST_DEADLINE_SECONDS", 3, 1);
        let body_limit = self.number("BODY_LIMIT_BYTES", 524_288, 1_024);
        let slow_deadline = self.seconds("SLOW_CLIENT_DEADLINE_SECONDS", 10, 1);
        let shutdown_deadline = self.seconds("SHUTDOWN_DEADLINE_SECONDS", 30, 1);
        let cors_origins = self.cors_origins();
        let log_filter = self.parsed("LOG", "info,actix_server=warn", |text| {
            EnvFilter::try_new(text)
        });
        let log_format = self.parsed("LOG_FORMAT", "text", log_format);
        Some(Config {
            database_url: database_url?,
            pool: pool?,
            listen: listen?,
            signing_key: signing_key?,
            previous_keys: previous_keys?,
            session_lifetime: session_lifetime?,
            argon2id: argon2id?,
            hashing_threads: hashing_threads?,
            workers: workers?,
            queue: queue?,
            request_deadline: request_deadline?,
            body: BodySettings {
                limit: body_limit?,
                deadline: slow_deadline?,
            },
            head_deadline: slow_deadline?,
            shutdown_deadline: shutdown_deadline?,
            cors_origins: cors_origins?,
            log_filter: log_filter?,
            log_format: log_format?,
        })
    }

    fn pool(&mut self, kind: DatabaseKind) -> Option<PoolSettings> {
        let default = PoolSettings::for_kind(kind);
        let max_connections =
            self.number("DATABASE_MAX_CONNECTIONS", default.max_connections, 1)?;
        Some(PoolSettings {
            max_connections,
            ..default
        })
    }

    /// `Some(None)` when there is none and none is needed.
    fn signing_key(&mut self, kind: Option<DatabaseKind>) -> Option<Option<SigningKey>> {
        const NAME: &str = "JWT_SECRET";
        const FILE: &str = "JWT_SECRET_FILE";
        match (self.value(NAME), self.value(FILE)) {
            (Some(_), Some(_)) => self.fault(FILE, "must not be set together with JWT_SECRET"),
            (Some(secret), None) => self.key(NAME, secret.as_bytes()).map(Some),
            (None, Some(path)) => {
                let secret = fs::read(&path).map_err(|error| format!("cannot be read: {error}"));
                let secret = self.or_fault(FILE, secret)?;
                self.key(FILE, secret.trim_ascii()).map(Some)
            }
            (None, None) if kind == Some(DatabaseKind::Postgres) => self.fault(
                NAME,
                "is required with PostgreSQL, since every instance must have the same; \
                 make one with: openssl rand -base64 48",
            ),
            (None, None) => Some(None),
        }
    }

    fn key(&mut self, name: &str, secret: &[u8]) -> Option<SigningKey> {
        self.or_fault(name, SigningKey::new(secret))
    }

    fn previous_keys(&mut self) -> Option<Vec<SigningKey>> {
        const NAME: &str = "JWT_PREVIOUS_SECRETS";
        let secrets = self.value(NAME).unwrap_or_default();
        secrets
            .split(',')
            .map(str::trim)
            .filter(|secret| !secret.is_empty())
            .map(|secret| self.key(NAME, secret.as_bytes()))
            .collect()
    }

    fn argon2id(&mut self) -> Option<Argon2id> {
        let default = Argon2idParams::default();
        let memory_kib = self.number("ARGON2_MEMORY_KIB", default.memory_kib, 8);
        let iterations = self.number("ARGON2_ITERATIONS", default.iterations, 1);
        let parallelism = self.number("ARGON2_PARALLELISM", default.parallelism, 1);
        let params = Argon2idParams {
            memory_kib: memory_kib?,
            iterations: iterations?,
            parallelism: parallelism?,
        };
        self.or_fault(
            "ARGON2_MEMORY_KIB, ARGON2_ITERATIONS, ARGON2_PARALLELISM",
            Argon2id::new(params),
        )
    }

    fn cors_origins(&mut self) -> Option<CorsOrigins> {
        const NAME: &str = "CORS_ORIGINS";
        const DEFAULT: &str = "http://localhost:3000,http://localhost:5173";
        let origins = self.value(NAME).unwrap_or_else(|| DEFAULT.to_owned());
        if origins.trim() == "*" {
            return Some(CorsOrigins::Any);
        }
        let origins: Vec<String> = origins
            .split(',')
            .map(|origin| origin.trim().to_owned())
            .filter(|origin| !origin.is_empty())
            .collect();
        match origins.iter().find(|origin| !is_origin(origin)) {
            None => Some(CorsOrigins::Listed(origins)),
            Some(wrong) => self.fault(
                NAME,
                &format!(
                    "must be * or origins such as https://todo.example.com, separated by commas; \
                     {wrong:?} is none"
                ),
            ),
        }
    }

    fn seconds(&mut self, name: &str, default: u64, min: u64) -> Option<Duration> {
        self.number(name, default, min).map(Duration::from_secs)
    }

    fn number<T>(&mut self, name: &str, default: T, min: T) -> Option<T>
    where
        T: FromStr + PartialOrd + Display + Copy,
    {
        match self.value(name) {
            None => Some(default),
            Some(text) => match text.parse() {
                Ok(number) if number >= min => Some(number),
                _ => self.fault(
                    name,
                    &format!("must be a whole number of at least {min}, not {text:?}"),
                ),
            },
        }
    }

    fn parsed<T, E: Display>(
        &mut self,
        name: &str,
        default: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = self.value(name).unwrap_or_else(|| default.to_owned());
        self.or_fault(name, parse(&text))
    }

    /// The value of a variable. An empty one is as good as none: that is how a compose file leaves one out.
    fn value(&self, name: &str) -> Option<String> {
        (self.lookup)(name).filter(|value| !value.is_empty())
    }

    fn or_fault<T, E: Display>(&mut self, name: &str, result: Result<T, E>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => self.fault(name, &error.to_string()),
        }
    }

    fn fault<T>(&mut self, name: &str, message: &str) -> Option<T> {
        self.faults.push(format!("{name} {message}"));
        None
    }
}

fn socket_address(text: &str) -> Result<SocketAddr, &'static str> {
    text.to_socket_addrs()
        .ok()
        .and_then(|mut addresses| addresses.next())
        .ok_or("must be an address and a port, such as 127.0.0.1:8000 or [::]:8000")
}

fn log_format(text: &str) -> Result<LogFormat, &'static str> {
    match text {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err("must be text or json"),
    }
}

/// Whether a text is an origin as browsers send it (RFC 6454, 6.2): scheme, host and perhaps port, and no path.
fn is_origin(text: &str) -> bool {
    ["http://", "https://"].iter().any(|scheme| {
        text.strip_prefix(scheme)
            .is_some_and(|host| !host.is_empty() && !host.contains(['/', '?', '#', '*', ' ']))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
        Config::read(|name| {
            variables
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned())
        })
    }

    const SECRET: &str = "a secret of no less than 32 bytes";

    #[test]
    fn with_nothing_configured_it_is_an_sqlite_file_on_loopback() {
        let config = read(&[]).unwrap();
        assert_eq!(config.database_url.to_string(), "sqlite://todo.db");
        assert_eq!(config.listen.to_string(), "127.0.0.1:8000");
        assert_eq!(config.pool.max_connections, 8);
        assert_eq!(config.session_lifetime, Duration::from_hours(24));
        assert!(config.signing_key.is_none());
    }

    #[test]
    fn an_empty_variable_is_as_good_as_none() {
        assert!(read(&[("LISTEN", ""), ("JWT_SECRET", ""), ("LOG_FORMAT", "")]).is_ok());
    }

    #[test]
    fn postgres_has_the_connections_of_the_old_service() {
        let config = read(&[
            ("DATABASE_URL", "postgres://localhost/todo"),
            ("JWT_SECRET", SECRET),
        ]);
        assert_eq!(config.unwrap().pool.max_connections, 30);
    }

    #[test]
    fn postgres_needs_a_key() {
        let error = read(&[("DATABASE_URL", "postgres://localhost/todo")]).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("JWT_SECRET is required with PostgreSQL")
        );
    }

    #[test]
    fn a_key_may_be_in_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        fs::write(&path, format!("{SECRET}\n")).unwrap();
        let path = path.to_str().unwrap();
        let from_file = read(&[("JWT_SECRET_FILE", path)]).unwrap().signing_key;
        let from_variable = read(&[("JWT_SECRET", SECRET)]).unwrap().signing_key;
        assert_eq!(format!("{from_file:?}"), format!("{from_variable:?}"));

        let both = [("JWT_SECRET_FILE", path), ("JWT_SECRET", SECRET)];
        for (variables, message) in [
            (&both[..], "JWT_SECRET_FILE must not be set together"),
            (
                &[("JWT_SECRET_FILE", "/nowhere")],
                "JWT_SECRET_FILE cannot be read",
            ),
        ] {
            let error = read(variables).unwrap_err();
            assert!(error.0[0].starts_with(message), "{error}");
        }
    }

    #[test]
    fn a_short_key_is_refused_on_either_database() {
        for url in ["sqlite://todo.db", "postgres://localhost/todo"] {
            let error = read(&[("DATABASE_URL", url), ("JWT_SECRET", "secret")]).unwrap_err();
            assert_eq!(
                error.0,
                ["JWT_SECRET must have at least 32 bytes, but has 6"]
            );
        }
    }

    #[test]
    fn every_wrong_value_is_named_at_once() {
        let error = read(&[
            ("DATABASE_URL", "mysql://localhost"),
            ("LISTEN", "somewhere"),
            ("JWT_SECRET", "short"),
            ("JWT_PREVIOUS_SECRETS", "short,"),
            ("SESSION_LIFETIME_SECONDS", "0"),
            ("ARGON2_MEMORY_KIB", "8"),
            ("ARGON2_PARALLELISM", "2"),
            ("HTTP_WORKERS", "many"),
            (
                "CORS_ORIGINS",
                "https://todo.example.com/, https://ok.example.com",
            ),
            ("LOG", "todo=loud"),
            ("LOG_FORMAT", "xml"),
        ])
        .unwrap_err();
        let named: Vec<&str> = error
            .0
            .iter()
            .map(|fault| fault.split(' ').next().unwrap())
            .collect();
        assert_eq!(
            named,
            [
                "DATABASE_URL",
                "LISTEN",
                "JWT_SECRET",
                "JWT_PREVIOUS_SECRETS",
                "SESSION_LIFETIME_SECONDS",
                "ARGON2_MEMORY_KIB,",
                "HTTP_WORKERS",
                "CORS_ORIGINS",
                "LOG",
                "LOG_FORMAT"
            ],
            "{error}"
        );
    }

    #[test]
    fn hashes_may_not_cost_so_much_that_they_would_not_be_verified() {
        let error = read(&[("ARGON2_MEMORY_KIB", "4194304")]).unwrap_err();
        assert!(
            error.0[0].contains("ARGON2_PARALLELISM must ask for at most 2097152 KiB"),
            "{error}"
        );
    }

    #[test]
    fn origins_are_listed_or_any() {
        let origins = |value| read(&[("CORS_ORIGINS", value)]).unwrap().cors_origins;
        assert_eq!(origins("*"), CorsOrigins::Any);
        let listed = ["https://a.example", "http://b.example:8080"].map(ToOwned::to_owned);
        assert_eq!(
            origins("https://a.example, http://b.example:8080"),
            CorsOrigins::Listed(listed.to_vec())
        );
    }

    #[test]
    fn no_fault_repeats_a_secret() {
        let error = read(&[
            ("JWT_SECRET", "hunter2"),
            ("JWT_PREVIOUS_SECRETS", "hunter3"),
            ("DATABASE_URL", "mysql://ada:hunter4@localhost"),
        ])
        .unwrap_err();
        assert!(!error.to_string().contains("hunter"), "{error}");
    }
}
