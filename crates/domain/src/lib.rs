#![doc = include_str!("../README.md")]

mod access_proof;
mod access_token;
mod archive;
mod client;
mod email_token;
#[cfg(any(test, feature = "mocks"))]
pub mod fuzzing;
mod id;
mod mail;
mod once;
mod personal_access_token;
pub mod ports;
mod public_key;
mod public_url;
mod quota;
mod refresh_token;
mod scope;
mod secret;
mod security_event;
mod session;
mod session_condition;
mod text;
mod throttle;
mod time_zone;
mod timestamp;
mod todo;
mod user;

pub use access_proof::{AccessProof, Revocation};
pub use access_token::{AccessClaims, AccessToken};
pub use archive::{ArchiveCounts, ArchiveRecord, ArchiveScope, ExportedUser};
pub use client::{Client, NETWORKS_PER_SITE, UserAgent, network_of, site_of};
pub use email_token::{EmailToken, PendingEmailChange, TokenPurpose, UnknownMailPurpose};
pub use id::{EventId, InvalidId, SessionId, TodoId, TokenId, UserId};
pub use mail::Mail;
pub use once::{IdempotencyConflict, IdempotencyKey, InvalidIdempotencyKey, Once};
pub use personal_access_token::{
    InvalidTokenLifetime, NewPersonalAccessToken, PersonalAccessToken, TokenLifetime, TokenName,
    TokenScopes, TokenScopesError, TokenWithSettings,
};
pub use public_key::PublicKey;
pub use public_url::{InvalidPublicUrl, PublicUrl};
pub use quota::{QuotaExceeded, Quotas};
pub use refresh_token::{RefreshClaims, RefreshToken};
pub use scope::{Scope, UnknownScope};
pub use secret::{InvalidSecret, Secret, SecretDigest, SecretKind};
pub use security_event::{SecurityEvent, SecurityEventKind, UnknownSecurityEventKind};
pub use session::{
    Refresh, ReplacedSession, Session, SessionPolicy, SessionStart, SessionWithSettings,
};
pub use session_condition::{SessionCondition, SessionSnapshot};
pub use text::{TextError, fold_case};
pub use throttle::{
    AttemptCounter, AttemptLimit, Attempts, NoticeKind, ThrottleKey, ThrottlePolicy,
    ThrottledAction, TooManyAttempts,
};
pub use time_zone::{TimeZone, UnknownTimeZone};
pub use timestamp::{Timestamp, TimestampError};
pub use todo::{
    Atomicity, Batch, BatchLengthError, Change, CompletionChange, Days, DaysReversed, Description,
    Direction, Due, DueCondition, DuePeriod, InvalidDate, InvalidDirection, InvalidDue,
    InvalidDuePeriod, InvalidPriority, InvalidSortKey, NewTodo, OperationOutcome, Page, PageLimit,
    PageLimitError, PageStart, Position, Priority, SearchText, SortKey, SortValue, Tag, Tags,
    Title, Todo, TodoChange, TodoFilter, TodoOperation, TodoOrder, TooManyTags, date,
};
pub use user::{
    Credentials, DisplayName, Email, EmailError, Password, PasswordAttempt, PasswordContext,
    PasswordError, PasswordHash, User, UserChange, UserSettings, WeakPassword,
};
