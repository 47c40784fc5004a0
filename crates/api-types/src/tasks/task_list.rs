//! A page of tasks.

use serde::Serialize;
use todo_application::todo::TodoList;
use utoipa::ToSchema;

use crate::wire::TaskResponse;

/// A page of tasks.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TaskList)]
pub struct TaskListResponse<'a> {
    /// Tasks of this page.
    tasks: Vec<TaskResponse<'a>>,
    /// Number of tasks on this page.
    count: usize,
    /// Number of all matching tasks; present if this page shows it, or with `total` or `offset`.
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<u64>,
    /// `cursor` of the next page; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<&'a str>,
}

impl<'a> TaskListResponse<'a> {
    /// The page, and what its next page is requested by.
    #[must_use]
    pub fn new(list: &'a TodoList, next_cursor: Option<&'a str>) -> Self {
        Self {
            tasks: list.todos.iter().map(TaskResponse::from).collect(),
            count: list.todos.len(),
            total: list.total,
            next_cursor,
        }
    }
}
