//! Where todos are kept.

use diesel::{
    AsChangeset, BoolExpressionMethods, EscapeExpressionMethods, ExpressionMethods, Insertable,
    OptionalExtension, QueryDsl, Queryable, RunQueryDsl, Selectable, SelectableHelper,
    TextExpressionMethods, dsl::not,
};
use todo_domain::{
    CompletionChange, Description, Page, SearchText, Timestamp, Title, Todo, TodoChange,
    TodoFilter, TodoId, UserId, fold_case,
    ports::{InsertTodoError, StorageError, TodoRepository},
};

use crate::database::{
    Database, Id, Instant, MultiBackend, is_foreign_key_violation, kept_prepared, schema::tasks,
};

#[derive(Queryable, Selectable)]
#[diesel(table_name = tasks)]
struct TodoRow {
    id: Id,
    user_id: Id,
    title: String,
    description: Option<String>,
    completed: bool,
    created_at: Instant,
    updated_at: Instant,
}

impl From<TodoRow> for Todo {
    fn from(row: TodoRow) -> Self {
        Self {
            id: TodoId::from_uuid(row.id.0),
            owner: UserId::from_uuid(row.user_id.0),
            title: Title::from_stored(row.title),
            description: row.description.map(Description::from_stored),
            completed: row.completed,
            created_at: row.created_at.0,
            updated_at: row.updated_at.0,
        }
    }
}

#[derive(Insertable)]
#[diesel(table_name = tasks)]
struct NewTodoRow<'a> {
    id: Id,
    user_id: Id,
    title: &'a str,
    description: Option<&'a str>,
    completed: bool,
    created_at: Instant,
    updated_at: Instant,
    title_folded: String,
    description_folded: Option<String>,
}

impl<'a> From<&'a Todo> for NewTodoRow<'a> {
    fn from(todo: &'a Todo) -> Self {
        let description = todo.description.as_ref().map(Description::as_str);
        Self {
            id: Id(todo.id.as_uuid()),
            user_id: Id(todo.owner.as_uuid()),
            title: todo.title.as_str(),
            description,
            completed: todo.completed,
            created_at: Instant(todo.created_at),
            updated_at: Instant(todo.updated_at),
            title_folded: fold_case(todo.title.as_str()),
            description_folded: description.map(fold_case),
        }
    }
}

/// What a change sets; `None` leaves a column as it is.
#[derive(AsChangeset)]
#[diesel(table_name = tasks)]
struct TodoChangeset<'a> {
    title: Option<&'a str>,
    title_folded: Option<String>,
    description: Option<Option<&'a str>>,
    description_folded: Option<Option<String>>,
    completed: Option<bool>,
    updated_at: Instant,
}

impl<'a> TodoChangeset<'a> {
    fn new(change: &'a TodoChange, now: Timestamp) -> Self {
        let title = change.title.value().map(Title::as_str);
        let description = change
            .description
            .value()
            .map(|description| description.as_ref().map(Description::as_str));
        Self {
            title,
            title_folded: title.map(fold_case),
            description,
            description_folded: description.map(|description| description.map(fold_case)),
            completed: match change.completion {
                CompletionChange::To(completed) => Some(completed),
                CompletionChange::Keep | CompletionChange::Toggle => None,
            },
            updated_at: Instant(now),
        }
    }
}

/// The owner's todos that match, as a query to go on with.
fn matching<'a>(owner: UserId, filter: &TodoFilter) -> tasks::BoxedQuery<'a, MultiBackend> {
    let mut query = tasks::table
        .filter(tasks::user_id.eq(Id(owner.as_uuid())))
        .into_boxed();
    if let Some(completed) = filter.completed {
        query = query.filter(tasks::completed.eq(completed));
    }
    if let Some(text) = &filter.text {
        let pattern = containing(text);
        query = query.filter(
            tasks::title_folded
                .like(pattern.clone())
                .escape(ESCAPE)
                .or(tasks::description_folded.like(pattern).escape(ESCAPE)),
        );
    }
    query
}

const ESCAPE: char = '\\';

/// The pattern of LIKE that a folded text matches when it contains `text`.
fn containing(text: &SearchText) -> String {
    let mut pattern = String::from("%");
    for character in text.folded().chars() {
        if matches!(character, '%' | '_' | ESCAPE) {
            pattern.push(ESCAPE);
        }
        pattern.push(character);
    }
    pattern.push('%');
    pattern
}

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
        page: Page,
    ) -> Result<Vec<Todo>, StorageError> {
        let rows = self.read(|connection| {
            matching(owner, filter)
                .order((tasks::created_at.desc(), tasks::id.desc()))
                .limit(i64::from(page.limit.get()) + 1)
                .offset(page.offset.into())
                .select(TodoRow::as_select())
                .load(connection)
        })?;
        Ok(rows.into_iter().map(Todo::from).collect())
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
        change: &TodoChange,
        now: Timestamp,
    ) -> Result<Option<Todo>, StorageError> {
        if change.is_empty() {
            return self.find(owner, id);
        }
        let toggle = (change.completion == CompletionChange::Toggle)
            .then(|| tasks::completed.eq(not(tasks::completed)));
        let row = self.write(|connection| {
            let update = diesel::update(tasks::table.find(Id(id.as_uuid())))
                .filter(tasks::user_id.eq(Id(owner.as_uuid())))
                .set((TodoChangeset::new(change, now), toggle))
                .returning((
                    tasks::id,
                    tasks::user_id,
                    tasks::title,
                    tasks::description,
                    tasks::completed,
                    tasks::created_at,
                    tasks::updated_at,
                ));
            kept_prepared(update)
                .get_result::<TodoRow>(connection)
                .optional()
        })?;
        Ok(row.map(Todo::from))
    }

    fn delete(&self, owner: UserId, id: TodoId) -> Result<bool, StorageError> {
        let deleted = self.write(|connection| {
            diesel::delete(tasks::table.find(Id(id.as_uuid())))
                .filter(tasks::user_id.eq(Id(owner.as_uuid())))
                .execute(connection)
        })?;
        Ok(deleted > 0)
    }
}
