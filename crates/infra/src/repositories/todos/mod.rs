//! Where todos are kept.

pub(super) mod query;
pub(super) mod rows;

use diesel::{
    BoolExpressionMethods, ExpressionMethods, IntoSql, NullableExpressionMethods,
    OptionalExtension, QueryDsl, RunQueryDsl, Selectable, SelectableHelper,
    dsl::{case_when, not},
    sql_types::Bool,
};
use todo_domain::{
    CompletionChange, Page, Timestamp, Todo, TodoChange, TodoFilter, TodoId, UserId,
    ports::{InsertTodoError, StorageError, TodoRepository},
};

use self::{
    query::{matching, page as page_of},
    rows::{NewTodoRow, TodoChangeset, TodoRow},
};
use crate::database::{
    Database, Id, Instant, MultiBackend, is_foreign_key_violation, kept_prepared, schema::tasks,
};

/// Whether a todo is of the expected version. It is the same text with and without one, so that it stays prepared.
#[diesel::dsl::auto_type(no_type_alias)]
fn of_version(expected: i64) -> _ {
    let any: bool = expected == ANY_VERSION;
    tasks::version.eq(expected).or(any.into_sql::<Bool>())
}

/// No todo is of this version.
const ANY_VERSION: i64 = 0;

impl TodoRepository for Database {
    fn insert(&self, todo: &Todo) -> Result<(), InsertTodoError> {
        self.write(|connection| {
            kept_prepared(
                diesel::insert_into(tasks::table)
                    .values(NewTodoRow::from(todo))
                    .returning(tasks::id),
            )
            .get_result::<Id>(connection)
        })
        .map(drop)
        .map_err(|error| {
            if is_foreign_key_violation(&error) {
                InsertTodoError::OwnerMissing
            } else {
                InsertTodoError::Storage(error.into())
            }
        })
    }

    fn find(&self, owner: UserId, id: TodoId) -> Result<Option<Todo>, StorageError> {
        let row = self.read(|connection| {
            tasks::table
                .find(Id(id.as_uuid()))
                .filter(tasks::user_id.eq(Id(owner.as_uuid())))
                .select(TodoRow::as_select())
                .first(connection)
                .optional()
        })?;
        Ok(row.map(Todo::from))
    }

    fn list(
        &self,
        owner: UserId,
        filter: &TodoFilter,
        page: &Page,
    ) -> Result<Vec<Todo>, StorageError> {
        let rows = self.read(|connection| {
            let query = page_of(matching(owner, filter), page).select(TodoRow::as_select());
            kept_prepared(query).load(connection)
        })?;
        Ok(rows.into_iter().map(TodoRow::into).collect())
    }

    fn count(&self, owner: UserId, filter: &TodoFilter) -> Result<u64, StorageError> {
        let count: i64 =
            self.read(|connection| matching(owner, filter).count().get_result(connection))?;
        u64::try_from(count).map_err(|error| StorageError::Internal(error.into()))
    }

    fn update(
        &self,
        owner: UserId,
        id: TodoId,
        expected: Option<u64>,
        change: &TodoChange,
        now: Timestamp,
    ) -> Result<Option<Todo>, StorageError> {
        if change.is_empty() {
            let todo = TodoRepository::find(self, owner, id)?;
            return Ok(todo.filter(|todo| expected.is_none_or(|version| version == todo.version)));
        }
        let now_column = Some(Instant(now));
        let toggle = (change.completion == CompletionChange::Toggle).then(|| {
            (
                tasks::completed.eq(not(tasks::completed)),
                tasks::completed_at
                    .eq(case_when(not(tasks::completed), now_column).otherwise(None::<Instant>)),
            )
        });
        // What is done already stays done since then. (Other software may have left `completed_at` empty.)
        let complete = (change.completion == CompletionChange::To(true)).then(|| {
            tasks::completed_at.eq(case_when(not(tasks::completed), now_column)
                .when(tasks::completed_at.is_null(), tasks::updated_at.nullable())
                .otherwise(tasks::completed_at))
        });
        let undo = (change.completion == CompletionChange::To(false))
            .then(|| tasks::completed_at.eq(None::<Instant>));
        let row = self.write(|connection| {
            let update = diesel::update(tasks::table.find(Id(id.as_uuid())))
                .filter(tasks::user_id.eq(Id(owner.as_uuid())))
                .filter(of_version(expected.map_or(ANY_VERSION, u64::cast_signed)))
                .set((
                    TodoChangeset::new(change, now),
                    toggle,
                    complete,
                    undo,
                    tasks::version.eq(tasks::version + 1),
                ))
                .returning(<TodoRow as Selectable<MultiBackend>>::construct_selection());
            kept_prepared(update)
                .get_result::<TodoRow>(connection)
                .optional()
        })?;
        Ok(row.map(Todo::from))
    }

    fn delete(
        &self,
        owner: UserId,
        id: TodoId,
        expected: Option<u64>,
    ) -> Result<bool, StorageError> {
        let deleted = self.write(|connection| {
            diesel::delete(tasks::table.find(Id(id.as_uuid())))
                .filter(tasks::user_id.eq(Id(owner.as_uuid())))
                .filter(of_version(expected.map_or(ANY_VERSION, u64::cast_signed)))
                .execute(connection)
        })?;
        Ok(deleted > 0)
    }
}
