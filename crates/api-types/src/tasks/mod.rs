//! Tasks: the bodies and queries of requests, each with its reader, and the bodies of responses.

pub mod batch;
pub mod list_query;
pub mod new_task;
pub mod task_change;
pub mod task_list;
