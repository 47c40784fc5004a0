#![doc = include_str!("../README.md")]

mod access_token;
mod id;
pub mod ports;
mod session;
mod text;
mod timestamp;
mod todo;
mod user;

pub use access_token::{AccessClaims, AccessToken};
pub use id::{InvalidId, SessionId, TodoId, UserId};
pub use session::Session;
pub use text::{TextError, fold_case};
pub use timestamp::{Timestamp, TimestampError};
pub use todo::{
    Change, CompletionChange, Description, NewTodo, Page, PageLimit, PageLimitError, SearchText,
    Title, Todo, TodoChange, TodoFilter,
};
pub use user::{
    Credentials, DisplayName, Email, EmailError, Password, PasswordAttempt, PasswordError,
    PasswordHash, User,
};
