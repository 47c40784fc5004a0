//! Accounts and the sessions of their users.

mod authenticate;
mod choose_password;
mod current_session;
mod end_session;
mod get_account;
mod guard;
mod list_sessions;
mod login;
mod logout;
mod register;
mod renew_hash;
mod signed_in;
mod update_account;

pub use authenticate::{
    AuthenticateError, Authenticated, Credential, authenticate, authenticate_session,
};
pub use current_session::{CurrentSession, CurrentSessionError, current_session};
pub use end_session::{EndSessionError, end_session};
pub use get_account::{GetAccountError, get_account};
pub use list_sessions::{ListSessionsError, list_sessions};
pub use login::{LoggedIn, Login, LoginError, login};
pub use logout::{LogoutError, LogoutExtent, logout};
pub use register::{Register, RegisterError, Registered, register};
pub use signed_in::{Keeper, SignedIn};
pub use update_account::{UpdateAccountError, update_account};
