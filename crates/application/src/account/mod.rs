//! Accounts and the sessions of their users.

mod authenticate;
mod change_email;
mod choose_password;
mod current_session;
mod end_session;
mod get_account;
mod list_sessions;
mod login;
mod logout;
mod mail_secret;
mod mails;
mod register;
mod renew_hash;
mod request_password_reset;
mod request_verification;
mod reset_password;
mod signed_in;
mod update_account;
mod verify_email;

pub use authenticate::{
    AuthenticateError, Authenticated, Credential, authenticate, authenticate_session,
};
pub use change_email::{
    AllowEmailChangeError, EmailChange, RequestEmailChangeError, allow_email_change,
    request_email_change,
};
pub use current_session::{CurrentSession, CurrentSessionError, current_session};
pub use end_session::{EndSessionError, end_session};
pub use get_account::{GetAccountError, get_account};
pub use list_sessions::{ListSessionsError, list_sessions};
pub use login::{LoggedIn, Login, LoginError, login};
pub use logout::{LogoutError, LogoutExtent, logout};
pub use register::{Register, RegisterError, register};
pub use request_password_reset::{RequestPasswordResetError, request_password_reset};
pub use request_verification::{RequestVerificationError, request_verification};
pub use reset_password::{
    ResetPasswordError, TellOfPasswordResetError, reset_password, tell_of_password_reset,
};
pub use signed_in::{Keeper, SignedIn};
pub use update_account::{UpdateAccountError, update_account};
pub use verify_email::{
    TellOfEmailChangeError, VerifiedEmail, VerifyEmailError, tell_of_email_change, verify_email,
};
