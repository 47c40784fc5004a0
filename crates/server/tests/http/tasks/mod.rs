//! Tasks, in both spellings of their path.

mod complete;
mod create;
mod delete;
mod get;
mod list;
mod ownership;
mod search;
mod update;
