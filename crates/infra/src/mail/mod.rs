//! Mailers: SMTP and the log.

mod address;
mod log;
mod smtp;

pub use log::LogMailer;
pub use smtp::{InvalidMailSettings, SmtpMailer};
