//! Accounts and the sessions of their users.

mod allowance;
mod authenticate;
mod authenticate_token;
mod authorize;
mod cancel_email_change;
mod change_email;
mod change_password;
mod choose_password;
mod confirm_password;
mod create_token;
mod delete_account;
mod end_session;
mod export_account;
mod failed_login_floor;
mod get_account;
mod list_security_events;
mod list_sessions;
mod list_tokens;
mod login;
mod login_limits;
mod logout;
mod mail_secret;
mod mails;
mod notices;
mod refresh;
mod refresh_limits;
mod register;
mod renew_hash;
mod request_password_reset;
mod request_verification;
mod reset_password;
mod revoke_token;
mod signed_in;
mod throttle;
mod update_account;
mod verified_session_cache;
mod verify_email;

pub use authenticate::{AuthenticateError, Authenticated, Credential, authenticate_session};
pub use authorize::{AuthorizedWorkError, Permission, authorize, authorize_and_run};
pub use cancel_email_change::{CancelEmailChangeError, cancel_email_change, withdraw_email_change};
pub use change_email::{
    AllowEmailChangeError, AllowedEmailChange, EmailChange, RequestEmailChangeError,
    allow_email_change, request_email_change,
};
pub use change_password::{ChangePassword, ChangePasswordError, change_password};
pub use create_token::{CreateToken, CreateTokenError, CreatedToken, create_token};
pub use delete_account::{DeleteAccountError, delete_account};
pub use end_session::{EndSessionError, end_session};
pub use export_account::{AccountExport, ExportAccountError, ExportPage, export_account};
pub use failed_login_floor::{FailedLoginFloor, RefreshFloorError};
pub use get_account::{Account, GetAccountError, get_account, get_user};
pub use list_security_events::{
    ListSecurityEventsError, SECURITY_EVENTS_SHOWN, list_security_events,
};
pub use list_sessions::{ListSessionsError, list_sessions};
pub use list_tokens::{ListTokensError, list_tokens};
pub use login::{LoggedIn, Login, LoginError, login};
pub use login_limits::{LoginLimit, LoginLimits, TooManyLogins};
pub use logout::{LogoutError, LogoutExtent, logout};
pub use notices::{Notice, NotifyError, notify};
pub use refresh::{RefreshError, refresh};
pub use refresh_limits::{RefreshLimits, TooManyRefreshes};
pub use register::{Register, RegisterError, Registered, register};
pub use request_password_reset::{
    AllowPasswordResetError, RequestPasswordResetError, allow_password_reset,
    request_password_reset,
};
pub use request_verification::{RequestVerificationError, request_verification};
pub use reset_password::{
    PasswordWasReset, ResetPasswordError, TellOfPasswordResetError, reset_password,
    tell_of_password_reset,
};
pub use revoke_token::{RevokeTokenError, revoke_token};
pub use signed_in::{SignedIn, TokenDelivery};
pub use update_account::{UpdateAccountError, update_account};
pub use verified_session_cache::VerifiedSessionCache;
pub use verify_email::{
    TellOfEmailChangeError, VerifiedEmail, VerifyEmailError, tell_of_email_change, verify_email,
};
