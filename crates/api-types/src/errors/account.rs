//! Problems of accounts.

use http::{StatusCode, header};
use todo_application::account::{
    AllowEmailChangeError, AllowPasswordResetError, CancelEmailChangeError, ChangePasswordError,
    CreateTokenError, DeleteAccountError, EndSessionError, ExportAccountError, GetAccountError,
    ListSecurityEventsError, ListSessionsError, ListTokensError, LoginError, LogoutError,
    NotifyError, RefreshError, RegisterError, RequestEmailChangeError, RequestPasswordResetError,
    RequestVerificationError, ResetPasswordError, RevokeTokenError, TellOfEmailChangeError,
    TellOfPasswordResetError, TooManyRefreshes, UpdateAccountError, VerifyEmailError,
};

use super::{
    CHALLENGE, CHALLENGE_INVALID, email_taken, invalid_mailed_token, invalid_token, rate_limited,
    too_many_attempts, too_many_logins,
};
use crate::problem::Problem;

/// The violation of an address that the mailer does not accept.
const UNDELIVERABLE: &str =
    "must be an e-mail address to which mail can be sent, such as ada@example.com";

impl From<RegisterError> for Problem {
    fn from(error: RegisterError) -> Self {
        match error {
            RegisterError::EmailTaken => email_taken(),
            RegisterError::UndeliverableEmail => Self::invalid_field("email", UNDELIVERABLE),
            RegisterError::WeakPassword(reason) => Self::invalid_field("password", reason),
            RegisterError::TooManyAttempts(too_many) => too_many_attempts(too_many),
            RegisterError::Service(failure) => failure.into(),
        }
    }
}

impl From<AllowPasswordResetError> for Problem {
    fn from(error: AllowPasswordResetError) -> Self {
        match error {
            AllowPasswordResetError::TooManyAttempts(too_many) => too_many_attempts(too_many),
            AllowPasswordResetError::Service(failure) => failure.into(),
        }
    }
}

impl From<RequestPasswordResetError> for Problem {
    fn from(error: RequestPasswordResetError) -> Self {
        match error {
            RequestPasswordResetError::Service(failure) => failure.into(),
        }
    }
}

impl From<ResetPasswordError> for Problem {
    fn from(error: ResetPasswordError) -> Self {
        match error {
            ResetPasswordError::InvalidToken => invalid_mailed_token(),
            ResetPasswordError::WeakPassword(reason) => Self::invalid_field("password", reason),
            ResetPasswordError::Service(failure) => failure.into(),
        }
    }
}

impl From<TellOfPasswordResetError> for Problem {
    fn from(error: TellOfPasswordResetError) -> Self {
        match error {
            TellOfPasswordResetError::Service(failure) => failure.into(),
        }
    }
}

impl From<RequestVerificationError> for Problem {
    fn from(error: RequestVerificationError) -> Self {
        match error {
            RequestVerificationError::Service(failure) => failure.into(),
        }
    }
}

impl From<VerifyEmailError> for Problem {
    fn from(error: VerifyEmailError) -> Self {
        match error {
            VerifyEmailError::InvalidToken => invalid_mailed_token(),
            VerifyEmailError::EmailTaken => email_taken(),
            VerifyEmailError::Service(failure) => failure.into(),
        }
    }
}

impl From<TellOfEmailChangeError> for Problem {
    fn from(error: TellOfEmailChangeError) -> Self {
        match error {
            TellOfEmailChangeError::Service(failure) => failure.into(),
        }
    }
}

impl From<AllowEmailChangeError> for Problem {
    fn from(error: AllowEmailChangeError) -> Self {
        match error {
            AllowEmailChangeError::WrongPassword => {
                Self::invalid_field("password", "is not the password of the account")
            }
            AllowEmailChangeError::UndeliverableEmail => {
                Self::invalid_field("email", UNDELIVERABLE)
            }
            AllowEmailChangeError::SameEmail => {
                Self::invalid_field("email", "must differ from the address of the account")
            }
            AllowEmailChangeError::CallerMissing => invalid_token(),
            AllowEmailChangeError::TooManyAttempts(too_many) => too_many_attempts(too_many),
            AllowEmailChangeError::Service(failure) => failure.into(),
        }
    }
}

impl From<RequestEmailChangeError> for Problem {
    fn from(error: RequestEmailChangeError) -> Self {
        match error {
            RequestEmailChangeError::Service(failure) => failure.into(),
        }
    }
}

impl From<CancelEmailChangeError> for Problem {
    fn from(error: CancelEmailChangeError) -> Self {
        match error {
            CancelEmailChangeError::InvalidToken => invalid_mailed_token(),
            CancelEmailChangeError::NotPending => Self::new(
                StatusCode::NOT_FOUND,
                "email_change_not_pending",
                "No change of the e-mail address is pending",
            ),
            CancelEmailChangeError::CallerMissing => invalid_token(),
            CancelEmailChangeError::Service(failure) => failure.into(),
        }
    }
}

impl From<LoginError> for Problem {
    fn from(error: LoginError) -> Self {
        match error {
            LoginError::InvalidCredentials { .. } => Self::new(
                StatusCode::UNAUTHORIZED,
                "invalid_credentials",
                "Invalid email or password",
            )
            .with_header(header::WWW_AUTHENTICATE, CHALLENGE),
            LoginError::AccountDisabled => Self::new(
                StatusCode::FORBIDDEN,
                "account_disabled",
                "The account is disabled; contact the operator of this service",
            ),
            LoginError::TooManyAttempts(too_many) => too_many_attempts(too_many),
            LoginError::TooManyLogins(too_many) => too_many_logins(too_many),
            LoginError::Service(failure) => failure.into(),
        }
    }
}

impl From<LogoutError> for Problem {
    fn from(error: LogoutError) -> Self {
        match error {
            LogoutError::NotAuthenticated(error) => error.into(),
            LogoutError::Service(failure) => failure.into(),
        }
    }
}

impl From<ChangePasswordError> for Problem {
    fn from(error: ChangePasswordError) -> Self {
        match error {
            ChangePasswordError::CallerMissing => invalid_token(),
            ChangePasswordError::WrongPassword => Self::invalid_field("current_password", error),
            ChangePasswordError::WeakPassword(reason) => {
                Self::invalid_field("new_password", reason)
            }
            ChangePasswordError::TooManyAttempts(too_many) => too_many_attempts(too_many),
            ChangePasswordError::Service(failure) => failure.into(),
        }
    }
}

impl From<DeleteAccountError> for Problem {
    fn from(error: DeleteAccountError) -> Self {
        match error {
            DeleteAccountError::CallerMissing => invalid_token(),
            DeleteAccountError::WrongPassword => Self::invalid_field("password", error),
            DeleteAccountError::TooManyAttempts(too_many) => too_many_attempts(too_many),
            DeleteAccountError::Service(failure) => failure.into(),
        }
    }
}

impl From<ExportAccountError> for Problem {
    fn from(error: ExportAccountError) -> Self {
        match error {
            ExportAccountError::CallerMissing | ExportAccountError::SessionEnded => invalid_token(),
            ExportAccountError::Service(failure) => failure.into(),
        }
    }
}

impl From<ListSecurityEventsError> for Problem {
    fn from(error: ListSecurityEventsError) -> Self {
        match error {
            ListSecurityEventsError::Service(failure) => failure.into(),
        }
    }
}

impl From<RefreshError> for Problem {
    fn from(error: RefreshError) -> Self {
        let refused = || {
            Self::new(
                StatusCode::UNAUTHORIZED,
                "invalid_refresh_token",
                "Invalid or expired refresh token",
            )
            .with_header(header::WWW_AUTHENTICATE, CHALLENGE_INVALID)
        };
        match error {
            RefreshError::TokenRejected(reason) => refused().caused_by(reason),
            RefreshError::SessionEnded | RefreshError::Reused => refused(),
            RefreshError::TooMany(TooManyRefreshes {
                per_minute,
                retry_after,
            }) => rate_limited("session", per_minute, retry_after),
            RefreshError::Service(failure) => failure.into(),
        }
    }
}

impl From<ListSessionsError> for Problem {
    fn from(error: ListSessionsError) -> Self {
        match error {
            ListSessionsError::Service(failure) => failure.into(),
        }
    }
}

impl From<EndSessionError> for Problem {
    fn from(error: EndSessionError) -> Self {
        match error {
            EndSessionError::NotFound => Self::new(
                StatusCode::NOT_FOUND,
                "session_not_found",
                "Session not found",
            ),
            EndSessionError::Service(failure) => failure.into(),
        }
    }
}

impl From<CreateTokenError> for Problem {
    fn from(error: CreateTokenError) -> Self {
        match error {
            CreateTokenError::TooMany => Self::new(
                StatusCode::CONFLICT,
                "too_many_tokens",
                "The limit of 50 tokens is reached; revoke a token before creating another",
            ),
            CreateTokenError::ReauthenticationRequired => Self::new(
                StatusCode::FORBIDDEN,
                "reauthentication_required",
                "The login is more than ten minutes old; send the password or log in again",
            ),
            CreateTokenError::WrongPassword => Self::invalid_field("password", error),
            CreateTokenError::TooManyAttempts(too_many) => too_many_attempts(too_many),
            CreateTokenError::CallerMissing => invalid_token(),
            CreateTokenError::Service(failure) => failure.into(),
        }
    }
}

impl From<ListTokensError> for Problem {
    fn from(error: ListTokensError) -> Self {
        match error {
            ListTokensError::Service(failure) => failure.into(),
        }
    }
}

impl From<RevokeTokenError> for Problem {
    fn from(error: RevokeTokenError) -> Self {
        match error {
            RevokeTokenError::NotFound => {
                Self::new(StatusCode::NOT_FOUND, "token_not_found", "Token not found")
            }
            RevokeTokenError::Service(failure) => failure.into(),
        }
    }
}

impl From<GetAccountError> for Problem {
    fn from(error: GetAccountError) -> Self {
        match error {
            GetAccountError::CallerMissing => invalid_token(),
            GetAccountError::Service(failure) => failure.into(),
        }
    }
}

impl From<UpdateAccountError> for Problem {
    fn from(error: UpdateAccountError) -> Self {
        match error {
            UpdateAccountError::CallerMissing => invalid_token(),
            UpdateAccountError::Service(failure) => failure.into(),
        }
    }
}

impl From<NotifyError> for Problem {
    fn from(error: NotifyError) -> Self {
        match error {
            NotifyError::Service(failure) => failure.into(),
        }
    }
}
