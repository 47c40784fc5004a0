//! Accounts and sessions.

mod account;
mod cookie;
mod guessing;
mod login;
mod logout;
mod register;
mod session;
mod sessions;
mod tokens;
