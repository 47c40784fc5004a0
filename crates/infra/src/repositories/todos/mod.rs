//! The todo repository.

mod apply;
pub(super) mod query;
pub(super) mod rows;
mod search;
mod statements;

use diesel::{
    QueryDsl, RunQueryDsl, SelectableHelper,
    dsl::{exists, select},
    result::Error,
};
use todo_domain::{
    Atomicity, Once, OperationOutcome, Page, SessionCondition, Timestamp, Todo, TodoChange,
    TodoFilter, TodoId, TodoOperation, UserId,
    ports::{ApplyTodosError, InsertTodoError, Owner, StorageError, TodoRepository},
};

use self::{
    apply::{Refused, apply_in_transaction},
    query::{matching, page as page_of},
    rows::TodoRow,
    statements::{
        delete_row, find_row, insert_row, is_newest, newest_rows, not_inserted, update_row,
    },
};
use super::{
    idempotency_keys::{claim, keep_answer},
    session_condition::is_satisfied,
};
use crate::database::{Database, Id, cached, is_foreign_key_violation, schema::users};

impl Database {
    /// Re-checks the session condition of an owner, after a statement with the condition had no effect.
    fn prove(&self, owner: Owner) -> Result<(), StorageError> {
        let is_proven = match owner {
            Owner::User(_) => true,
            Owner::OfSession(guard) => self.read(|connection| is_satisfied(connection, guard))?,
        };
        if is_proven {
            Ok(())
        } else {
            Err(StorageError::SessionNotProven)
        }
    }

    /// Why a todo was not inserted, although no session condition failed.
    fn not_inserted(&self, todo: &Todo) -> InsertTodoError {
        let quotas = self.quotas();
        let reason = self.read(|connection| {
            let exceeded = not_inserted(connection, todo, quotas)?;
            let owner = users::table.find(Id(todo.owner.as_uuid()));
            Ok((exceeded, select(exists(owner)).get_result(connection)?))
        });
        match reason {
            Ok((Some(exceeded), _)) => StorageError::from(exceeded).into(),
            Ok((None, false)) => InsertTodoError::OwnerMissing,
            // There is room now, since another todo was deleted meanwhile.
            Ok((None, true)) => {
                StorageError::Unavailable("there was no room a moment ago".into()).into()
            }
            Err(error) => InsertTodoError::Storage(error.into()),
        }
    }
}

impl TodoRepository for Database {
    fn insert(&self, todo: &Todo, once: Option<&Once<'_, Todo>>) -> Result<(), InsertTodoError> {
        let quotas = self.quotas();
        let inserted = match once {
            None => self
                .write(|connection| insert_row(connection, todo, None, quotas))
                .map(Ok),
            Some(once) => {
                let answer = (once.answer)(todo).map_err(StorageError::Internal)?;
                let mut is_refused = false;
                let inserted = self.transaction(|connection| {
                    if let Some(not_once) = claim(connection, once, &answer)? {
                        return Ok(Err(not_once));
                    }
                    is_refused = !insert_row(connection, todo, None, quotas)?;
                    if is_refused {
                        return Err(Error::RollbackTransaction);
                    }
                    Ok(Ok(true))
                });
                if is_refused { Ok(Ok(false)) } else { inserted }
            }
        };
        match inserted {
            Ok(Ok(true)) => Ok(()),
            Ok(Ok(false)) => Err(self.not_inserted(todo)),
            Ok(Err(not_once)) => Err(not_once.into()),
            Err(error) if is_foreign_key_violation(&error) => Err(InsertTodoError::OwnerMissing),
            Err(error) => Err(InsertTodoError::Storage(error.into())),
        }
    }

    fn insert_guarded(&self, todo: &Todo, guard: SessionCondition) -> Result<(), InsertTodoError> {
        let quotas = self.quotas();
        match self.write(|connection| insert_row(connection, todo, Some(guard), quotas)) {
            Ok(true) => Ok(()),
            Ok(false) => {
                self.prove(Owner::OfSession(guard))?;
                Err(self.not_inserted(todo))
            }
            Err(error) if is_foreign_key_violation(&error) => Err(InsertTodoError::OwnerMissing),
            Err(error) => Err(InsertTodoError::Storage(error.into())),
        }
    }

    fn find(&self, owner: Owner, id: TodoId) -> Result<Option<Todo>, StorageError> {
        let todo = self.read(|connection| find_row(connection, owner, id))?;
        if todo.is_none() {
            self.prove(owner)?;
        }
        Ok(todo)
    }

    fn list(
        &self,
        owner: Owner,
        filter: &TodoFilter,
        page: &Page,
    ) -> Result<Vec<Todo>, StorageError> {
        let rows = self.read(|connection| match owner {
            Owner::OfSession(guard) if is_newest(filter, page) => {
                newest_rows(connection, guard, page.limit)
            }
            _ => {
                let matching = matching(owner, filter, connection.kind());
                let query = page_of(matching, page).select(TodoRow::as_select());
                cached(query).load(connection)
            }
        })?;
        if rows.is_empty() {
            self.prove(owner)?;
        }
        Ok(rows.into_iter().map(TodoRow::into).collect())
    }

    fn count(&self, owner: Owner, filter: &TodoFilter) -> Result<u64, StorageError> {
        let count: i64 = self.read(|connection| {
            matching(owner, filter, connection.kind())
                .count()
                .get_result(connection)
        })?;
        if count == 0 {
            self.prove(owner)?;
        }
        u64::try_from(count).map_err(|error| StorageError::Internal(error.into()))
    }

    fn update(
        &self,
        owner: Owner,
        id: TodoId,
        expected: Option<u64>,
        change: &TodoChange,
        now: Timestamp,
    ) -> Result<Option<Todo>, StorageError> {
        if change.is_empty() {
            let todo = TodoRepository::find(self, owner, id)?;
            return Ok(todo.filter(|todo| expected.is_none_or(|version| version == todo.version)));
        }
        let quotas = self.quotas();
        let updated = self
            .write(|connection| update_row(connection, owner, id, expected, change, now, quotas))?;
        let todo = updated.map_err(StorageError::from)?;
        if todo.is_none() {
            self.prove(owner)?;
        }
        Ok(todo)
    }

    fn delete(
        &self,
        owner: Owner,
        id: TodoId,
        expected: Option<u64>,
    ) -> Result<bool, StorageError> {
        let deleted = self.write(|connection| delete_row(connection, owner, id, expected))?;
        if !deleted {
            self.prove(owner)?;
        }
        Ok(deleted)
    }

    fn apply(
        &self,
        owner: UserId,
        operations: &[TodoOperation],
        atomicity: Atomicity,
        now: Timestamp,
        once: Option<&Once<'_, [OperationOutcome]>>,
    ) -> Result<Vec<OperationOutcome>, ApplyTodosError> {
        let quotas = self.quotas();
        let mut refused = None;
        let applied = self.transaction(|connection| {
            refused = None;
            if let Some(once) = once
                && let Some(not_once) = claim(connection, once, "")?
            {
                return Ok(Err(not_once));
            }
            let outcomes = match apply_in_transaction(connection, owner, operations, now, quotas)? {
                Ok(outcomes) => outcomes,
                Err(by) => {
                    refused = Some(match by {
                        Refused::OwnerMissing => ApplyTodosError::OwnerMissing,
                        Refused::QuotaExceeded(exceeded) => StorageError::from(exceeded).into(),
                    });
                    return Err(Error::RollbackTransaction);
                }
            };
            if atomicity == Atomicity::AllOrNothing
                && let Some(index) = outcomes
                    .iter()
                    .position(|outcome| *outcome == OperationOutcome::NotFound)
            {
                refused = Some(ApplyTodosError::NotFound { index });
                return Err(Error::RollbackTransaction);
            }
            if let Some(once) = once {
                let answer = (once.answer)(&outcomes).map_err(Error::SerializationError)?;
                keep_answer(connection, once, &answer)?;
            }
            Ok(Ok(outcomes))
        });
        match (applied, refused) {
            (Ok(applied), _) => Ok(applied?),
            (Err(_), Some(refused)) => Err(refused),
            (Err(error), None) if is_foreign_key_violation(&error) => {
                Err(ApplyTodosError::OwnerMissing)
            }
            (Err(error), None) => Err(ApplyTodosError::Storage(error.into())),
        }
    }
}
