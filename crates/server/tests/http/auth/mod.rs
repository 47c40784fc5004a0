//! Accounts and sessions.

mod account;
mod login;
mod logout;
mod register;
mod session;
