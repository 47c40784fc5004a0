//! Accounts and sessions.

mod account;
mod cookie;
mod email;
mod login;
mod logout;
mod password_reset;
mod register;
mod session;
mod sessions;
mod tokens;
