//! Accounts and sessions.

mod account;
mod cookie;
mod login;
mod logout;
mod personal_access_tokens;
mod register;
mod session;
mod sessions;
mod tokens;
