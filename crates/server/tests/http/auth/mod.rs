//! Accounts and sessions.

mod account;
mod cookie;
mod login;
mod logout;
mod password;
mod personal_access_tokens;
mod refresh;
mod register;
mod session;
mod sessions;
mod tokens;
