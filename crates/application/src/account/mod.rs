//! Accounts and the sessions of their users.

mod authenticate;
mod choose_password;
mod current_session;
mod login;
mod logout;
mod register;
mod renew_hash;
mod signed_in;

pub use authenticate::{AuthenticateError, authenticate};
pub use current_session::{CurrentSession, CurrentSessionError, current_session};
pub use login::{LoggedIn, Login, LoginError, login};
pub use logout::{LogoutError, logout};
pub use register::{Register, RegisterError, register};
pub use signed_in::SignedIn;
