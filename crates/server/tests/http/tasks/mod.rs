//! Tasks, in both spellings of their path.

mod batch;
mod complete;
mod conditional;
mod create;
mod delete;
mod due;
mod get;
mod list;
mod once;
mod ownership;
mod paging;
mod search;
mod update;
