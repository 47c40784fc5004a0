//! Accounts and sessions.

mod account;
mod cookie;
mod email;
mod export;
mod guessing;
mod login;
mod login_limits;
mod logout;
mod mails_in_log;
mod notices;
mod password;
mod password_reset;
mod personal_access_tokens;
mod refresh;
mod register;
mod revocation;
mod session;
mod sessions;
mod tokens;
