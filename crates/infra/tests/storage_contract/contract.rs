//! The storage contract on both databases.

use todo_domain::Quotas;
use todo_infra::Database;
use todo_storage_contract::{Backend, storage_contract};
use todo_testkit::Kind;

use crate::storage::{Storage, connect};

/// A migrated SQLite database.
pub(crate) struct Sqlite(Storage);

/// A migrated PostgreSQL database.
pub(crate) struct Postgres(Storage);

impl Backend for Sqlite {
    type Storage = Database;

    fn empty() -> Option<Self> {
        Storage::new(Kind::Sqlite).map(Self)
    }

    fn connect(&self, quotas: Quotas) -> Database {
        connect(&self.0.behind).with_quotas(quotas)
    }
}

impl Backend for Postgres {
    type Storage = Database;

    fn empty() -> Option<Self> {
        Storage::new(Kind::Postgres).map(Self)
    }

    fn connect(&self, quotas: Quotas) -> Database {
        connect(&self.0.behind).with_quotas(quotas)
    }
}

mod sqlite {
    super::storage_contract!(crate::contract::Sqlite);
}

mod postgres {
    super::storage_contract!(crate::contract::Postgres);
}
