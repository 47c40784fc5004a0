//! Accounts and sessions.

pub(crate) mod account;
pub(crate) mod email;
pub(crate) mod events;
pub(crate) mod export;
pub(crate) mod login;
pub(crate) mod logout;
mod mailed_secret;
mod message;
pub(crate) mod password;
pub(crate) mod password_reset;
pub(crate) mod personal_access_tokens;
pub(crate) mod refresh;
pub(crate) mod register;
pub(crate) mod session;
pub(crate) mod sessions;
pub(crate) mod signed_in;

pub(crate) use login::login;
pub(crate) use logout::logout;
pub(crate) use register::register;
pub(crate) use session::session;
