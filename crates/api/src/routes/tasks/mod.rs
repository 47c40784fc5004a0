//! Todos, which are tasks on the wire.

pub(crate) mod batch;
pub(crate) mod complete;
pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod search;
pub(crate) mod update;

pub(crate) use batch::batch;
pub(crate) use complete::complete;
pub(crate) use create::create;
pub(crate) use delete::delete;
pub(crate) use get::get;
pub(crate) use list::list;
pub(crate) use search::search;
pub(crate) use update::{patch, put};
