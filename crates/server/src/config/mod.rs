//! The configuration: environment variables, validated as a whole.
//!
//! Each section has one file with its variables, their defaults and their valid values. To add a variable: a field of a
//! section, the line that reads it, and a row in `docs/configuration.md`.

mod cors;
mod database;
mod hashing;
mod http;
mod log;
mod mail;
mod proxies;
mod rate_limits;
mod sessions;
mod signing_keys;
mod telemetry;
#[cfg(test)]
mod testing;
mod throttle;
mod variables;

use std::{
    net::{Ipv4Addr, SocketAddr, ToSocketAddrs},
    num::NonZeroU32,
    time::Duration,
};

use todo_domain::ThrottlePolicy;

use self::variables::Variables;
pub(crate) use self::{
    database::DatabaseConfig,
    hashing::HashingConfig,
    http::HttpConfig,
    log::{LogConfig, LogFormat},
    mail::{MailConfig, MailDelivery},
    sessions::SessionConfig,
    signing_keys::{SigningKeyConfig, SigningKeySource},
    telemetry::{TelemetryConfig, TraceConfig},
    variables::ConfigError,
};

/// The configuration of the server and of all commands.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) database: DatabaseConfig,
    /// The address that the server listens on.
    pub(crate) listen: SocketAddr,
    pub(crate) signing_keys: SigningKeyConfig,
    pub(crate) sessions: SessionConfig,
    pub(crate) throttle: ThrottlePolicy,
    /// The limit of successful logins per minute, of an account and of a known device.
    pub(crate) logins_per_minute: Option<NonZeroU32>,
    pub(crate) refreshes_per_minute: Option<NonZeroU32>,
    pub(crate) hashing: HashingConfig,
    pub(crate) mail: MailConfig,
    pub(crate) http: HttpConfig,
    pub(crate) log: LogConfig,
    pub(crate) observation: TelemetryConfig,
}

impl Config {
    /// Reads the configuration from variables, as `lookup` finds them.
    pub(crate) fn read(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut variables = Variables::new(&lookup);
        let config = Self::of(&mut variables);
        variables.end(config)
    }

    /// The longest lifetime of any signed token.
    pub(crate) fn longest_token_lifetime(&self) -> Duration {
        self.sessions.policy.absolute
    }

    /// Reads every section, so that all violations are found.
    fn of(variables: &mut Variables<'_>) -> Option<Self> {
        let database = DatabaseConfig::read(variables);
        let listen = variables
            .parsed("LISTEN", socket_address)
            .unwrap_or(SocketAddr::from((Ipv4Addr::LOCALHOST, 8000)));
        let signing_keys = SigningKeyConfig::read(variables, &database.url);
        let sessions = SessionConfig::read(variables);
        let throttle = throttle::policy(variables);
        let logins_per_minute = rate_limits::logins(variables);
        let refreshes_per_minute = rate_limits::refreshes(variables);
        let hashing = HashingConfig::read(variables);
        let mail = MailConfig::read(variables, listen.ip());
        let http = HttpConfig::read(variables);
        let log = LogConfig::read(variables);
        let observation = TelemetryConfig::read(variables);
        Some(Self {
            database,
            listen,
            signing_keys: signing_keys?,
            sessions,
            throttle,
            logins_per_minute,
            refreshes_per_minute,
            hashing: hashing?,
            mail: mail?,
            http,
            log,
            observation,
        })
    }
}

fn socket_address(text: &str) -> Result<SocketAddr, &'static str> {
    text.to_socket_addrs()
        .ok()
        .and_then(|mut addresses| addresses.next())
        .ok_or("must be an address and port, such as 127.0.0.1:8000 or [::]:8000")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::testing::read;

    #[test]
    fn with_nothing_configured_it_is_an_sqlite_file_on_loopback() {
        let config = read(&[]).unwrap();
        assert_eq!(config.database.url.to_string(), "sqlite://todo.db");
        assert_eq!(config.listen.to_string(), "127.0.0.1:8000");
        assert_eq!(config.database.pool.max_connections, 4);
        assert_eq!(
            config.sessions.policy.access_token,
            Duration::from_hours(24)
        );
    }

    #[test]
    fn an_empty_variable_is_treated_as_unset() {
        assert!(read(&[("LISTEN", ""), ("JWT_SECRET", ""), ("LOG_FORMAT", "")]).is_ok());
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
