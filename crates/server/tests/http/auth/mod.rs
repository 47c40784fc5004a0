//! Accounts and sessions.

mod login;
mod logout;
mod register;
mod session;
mod tokens;
