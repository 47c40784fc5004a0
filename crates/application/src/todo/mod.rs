//! What a caller can do with their todos.

mod apply;
mod create;
mod delete;
mod get;
mod list;
mod once;
mod precondition;
mod toggle;
mod update;

pub use apply::{ApplyTodosError, WantedOperation, apply_todos};
pub use create::{CreateTodoError, create_todo};
pub use delete::{DeleteTodoError, delete_todo};
pub use get::{GetTodoError, get_todo};
pub use list::{DueQuery, ListTodos, ListTodosError, TodoList, list_todos};
pub use once::{Done, IdempotentRequest};
pub use precondition::Precondition;
pub use toggle::toggle_todo;
pub use update::{UpdateTodoError, update_todo};
