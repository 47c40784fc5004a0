//! Inserting archive records, many rows per statement.

use std::collections::BTreeMap;

use diesel::{
    Connection, PgConnection, QueryResult, RunQueryDsl,
    connection::SimpleConnection,
    result::{DatabaseErrorKind, Error},
};
use todo_domain::{
    ArchiveCounts, ArchiveRecord, ExportedUser, Todo,
    ports::{Aborted, InsertArchiveError, RejectReason},
};

use super::rows::ExportedUserRow;
use crate::{
    database::{
        AnyConnection, ConnectionError, Id, cached, is_foreign_key_violation, is_unique_violation,
        schema::{tasks, users},
    },
    repositories::{
        todos::rows::NewTodoRow,
        usage::{Addition, add},
    },
};

/// The number of rows per INSERT. PostgreSQL accepts 65,535 values in a statement.
const ROWS_AT_A_TIME: usize = 500;

/// Why the insertion stopped.
pub(super) enum Stopped {
    /// The database failed.
    Lost(Error),
    /// A record was refused, or the source of records aborted.
    By(InsertArchiveError),
}

pub(super) fn insert(
    connection: &mut AnyConnection,
    records: &mut dyn Iterator<Item = Result<ArchiveRecord, Aborted>>,
) -> Result<ArchiveCounts, Stopped> {
    let mut counts = ArchiveCounts::default();
    let mut pending = Pending::default();
    for record in records {
        let record = record.map_err(|abandoned| Stopped::By(abandoned.into()))?;
        let number = counts.users + counts.todos;
        counts.add(&record);
        match record {
            ArchiveRecord::User(user) => pending.users.push((number, user.into())),
            ArchiveRecord::Todo(todo) => pending.todos.push((number, todo)),
        }
        if pending.is_full() {
            pending.flush(connection)?;
        }
    }
    pending.flush(connection)?;
    Ok(counts)
}

/// The pending records, each with its number.
#[derive(Default)]
struct Pending {
    users: Vec<(u64, ExportedUserRow)>,
    todos: Vec<(u64, Todo)>,
}

impl Pending {
    fn is_full(&self) -> bool {
        self.users.len() == ROWS_AT_A_TIME || self.todos.len() == ROWS_AT_A_TIME
    }

    /// Inserts the users first, since todos refer to them.
    fn flush(&mut self, connection: &mut AnyConnection) -> Result<(), Stopped> {
        insert_all::<ExportedUser>(connection, &self.users)?;
        insert_all::<Todo>(connection, &self.todos)?;
        let todos = self.todos.iter().map(|(_, todo)| todo);
        add(connection, &additions(todos)).map_err(Stopped::Lost)?;
        self.users.clear();
        self.todos.clear();
        Ok(())
    }
}

/// The additions of todos to the usage of their owners, one for each owner.
fn additions<'a>(todos: impl Iterator<Item = &'a Todo>) -> Vec<Addition> {
    let mut additions = BTreeMap::<_, Addition>::new();
    for todo in todos {
        let addition = NewTodoRow::from(todo).addition();
        additions
            .entry(todo.owner.as_uuid())
            .and_modify(|sum| {
                sum.todos += addition.todos;
                sum.bytes += addition.bytes;
            })
            .or_insert(addition);
    }
    additions.into_values().collect()
}

/// A record that is inserted into a table.
trait Inserted {
    /// The pending form of a record.
    type Pending;

    /// Inserts one record.
    fn insert_one(connection: &mut AnyConnection, pending: &Self::Pending) -> QueryResult<()>;

    /// Inserts several with one statement, except those that collide with others, and tells how many it inserted.
    ///
    /// This saves round trips to PostgreSQL; SQLite gains nothing.
    fn insert_many(
        connection: &mut PgConnection,
        pending: &[(u64, Self::Pending)],
    ) -> QueryResult<usize>;
}

impl Inserted for ExportedUser {
    type Pending = ExportedUserRow;

    fn insert_one(connection: &mut AnyConnection, row: &ExportedUserRow) -> QueryResult<()> {
        let insert = diesel::insert_into(users::table).values(row);
        cached(insert.returning(users::id))
            .get_result::<Id>(connection)
            .map(drop)
    }

    fn insert_many(
        connection: &mut PgConnection,
        pending: &[(u64, ExportedUserRow)],
    ) -> QueryResult<usize> {
        let rows: Vec<_> = pending.iter().map(|(_, row)| row).collect();
        diesel::insert_into(users::table)
            .values(rows)
            .on_conflict_do_nothing()
            .execute(connection)
    }
}

impl Inserted for Todo {
    type Pending = Self;

    fn insert_one(connection: &mut AnyConnection, todo: &Todo) -> QueryResult<()> {
        let insert = diesel::insert_into(tasks::table).values(NewTodoRow::from(todo));
        cached(insert.returning(tasks::id))
            .get_result::<Id>(connection)
            .map(drop)
    }

    fn insert_many(connection: &mut PgConnection, pending: &[(u64, Todo)]) -> QueryResult<usize> {
        let rows: Vec<_> = pending
            .iter()
            .map(|(_, todo)| NewTodoRow::from(todo))
            .collect();
        diesel::insert_into(tasks::table)
            .values(rows)
            .on_conflict_do_nothing()
            .execute(connection)
    }
}

/// Inserts the pending records; if that fails, one by one, to find the record that is refused.
fn insert_all<T: Inserted>(
    connection: &mut AnyConnection,
    pending: &[(u64, T::Pending)],
) -> Result<(), Stopped> {
    if pending.is_empty() {
        return Ok(());
    }
    if let AnyConnection::Postgres(connection) = connection {
        // A nested transaction is a savepoint, without which PostgreSQL aborts the transaction after an error.
        let inserted = connection.transaction(|connection| {
            // If a collision were an error, PostgreSQL would log the whole long statement.
            match T::insert_many(connection, pending)? {
                inserted if inserted == pending.len() => Ok(()),
                _ => Err(Error::RollbackTransaction),
            }
        });
        if inserted.is_ok() {
            return Ok(());
        }
    }
    for (record, one) in pending {
        let inserted = match connection {
            AnyConnection::Sqlite(_) => T::insert_one(connection, one),
            AnyConnection::Postgres(_) => {
                connection.transaction(|connection| T::insert_one(connection, one))
            }
        };
        inserted.map_err(|error| stopped_at(connection, *record, error))?;
    }
    Ok(())
}

/// The meaning of an error for the record that was being inserted.
fn stopped_at(connection: &mut AnyConnection, record: u64, error: Error) -> Stopped {
    let is_of_the_record = matches!(
        error,
        Error::DatabaseError(
            DatabaseErrorKind::UniqueViolation | DatabaseErrorKind::ForeignKeyViolation,
            _
        )
    );
    if !is_of_the_record && connection.batch_execute("SELECT 1").is_err() {
        return Stopped::Lost(error);
    }
    let error = ConnectionError::Statement(error);
    let reason = if is_unique_violation(&error, "ix_users_email", "users.email") {
        RejectReason::EmailTaken
    } else if is_unique_violation(&error, "users_pkey", "users.id") {
        RejectReason::UserExists
    } else if is_unique_violation(&error, "tasks_pkey", "tasks.id") {
        RejectReason::TodoExists
    } else if is_foreign_key_violation(&error) {
        RejectReason::OwnerMissing
    } else {
        RejectReason::Unstorable(error.into())
    };
    Stopped::By(InsertArchiveError::Refused { record, reason })
}
