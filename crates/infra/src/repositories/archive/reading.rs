//! Reading all data, page by page.

use std::ops::ControlFlow;

use diesel::{ExpressionMethods, QueryDsl, QueryResult, RunQueryDsl, SelectableHelper};
use todo_domain::{
    ArchiveRecord, ArchiveScope, Direction, Page, PageStart, SortKey, Todo, TodoFilter, TodoOrder,
    UserId, ports::RecordWriter,
};

use super::rows::ExportedUserRow;
use crate::{
    database::{AnyConnection, Id, cached, schema::users},
    repositories::todos::{
        query::{matching, page as page_of},
        rows::TodoRow,
    },
};

/// The number of users per page.
const USERS_AT_A_TIME: i64 = 1_000;

/// The order of the todos of an owner. It is that of an index, so each page costs the same.
const TODO_ORDER: TodoOrder = TodoOrder {
    key: SortKey::CreatedAt,
    direction: Direction::Ascending,
};

pub(super) fn read(
    connection: &mut AnyConnection,
    scope: &ArchiveScope,
    sink: &mut dyn RecordWriter,
) -> QueryResult<()> {
    let mut last = None;
    loop {
        let page = users_after(connection, scope, last)?;
        let Some(row) = page.last() else {
            return Ok(());
        };
        last = Some(row.id);
        for row in page {
            let owner = UserId::from_uuid(row.id.0);
            if sink.take(ArchiveRecord::User(row.into())).is_break()
                || read_todos(connection, owner, sink)?.is_break()
            {
                return Ok(());
            }
        }
    }
}

fn users_after(
    connection: &mut AnyConnection,
    scope: &ArchiveScope,
    last: Option<Id>,
) -> QueryResult<Vec<ExportedUserRow>> {
    let mut query = users::table
        .select(ExportedUserRow::as_select())
        .order(users::id)
        .limit(USERS_AT_A_TIME)
        .into_boxed();
    if let ArchiveScope::User(email) = scope {
        query = query.filter(users::email.eq(email.as_str()));
    }
    if let Some(last) = last {
        query = query.filter(users::id.gt(last));
    }
    query.load(connection)
}

fn read_todos(
    connection: &mut AnyConnection,
    owner: UserId,
    sink: &mut dyn RecordWriter,
) -> QueryResult<ControlFlow<()>> {
    let mut page = Page {
        order: TODO_ORDER,
        ..Page::default()
    };
    loop {
        let all = matching(owner.into(), &TodoFilter::default(), connection.kind());
        let query = page_of(all, &page);
        let rows: Vec<TodoRow> = cached(query.select(TodoRow::as_select())).load(connection)?;
        let is_full = rows.len() > usize::from(page.limit.get());
        for row in rows {
            let todo = Todo::from(row);
            page.start = PageStart::After(TODO_ORDER.position(&todo));
            if sink.take(ArchiveRecord::Todo(todo)).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        if !is_full {
            return Ok(ControlFlow::Continue(()));
        }
    }
}
