//! The database, and the connections to it.

use std::str::FromStr;

use todo_infra::{DatabaseUrl, PoolSettings};

use super::Variables;

/// Which database it is, and how it is connected to.
#[derive(Debug)]
pub(crate) struct DatabaseConfig {
    pub(crate) url: DatabaseUrl,
    pub(crate) pool: PoolSettings,
}

impl DatabaseConfig {
    pub(super) fn read(variables: &mut Variables<'_>) -> Self {
        let url = variables
            .parsed("DATABASE_URL", DatabaseUrl::from_str)
            .unwrap_or_default();
        let default = PoolSettings::for_kind(url.kind());
        let pool = PoolSettings {
            max_connections: variables.number(
                "DATABASE_MAX_CONNECTIONS",
                default.max_connections,
                1,
            ),
            ..default
        };
        Self { url, pool }
    }
}

#[cfg(test)]
mod tests {
    use crate::config::testing::{SECRET, read};

    #[test]
    fn postgres_has_the_connections_of_the_old_service() {
        let config = read(&[
            ("DATABASE_URL", "postgres://localhost/todo"),
            ("JWT_SECRET", SECRET),
        ]);
        assert_eq!(config.unwrap().database.pool.max_connections, 30);
    }
}
