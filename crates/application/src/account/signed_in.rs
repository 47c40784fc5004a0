//! What a registration and a login end with.

use todo_domain::{
    AccessClaims, AccessToken, Client, RefreshClaims, RefreshToken, ReplacedSession,
    SecurityEventKind, Session, SessionStart, Timestamp, User, UserId, ports::TokenError,
};

use crate::{App, ServiceError, security_event::event};

/// A user with a session that has just begun, or been renewed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedIn {
    /// Who signed in.
    pub user: User,
    /// The session.
    pub session: Session,
    /// What the client shows from now on.
    pub token: AccessToken,
    /// What the client shows to have that renewed; `None` where it cannot be.
    pub refresh_token: Option<RefreshToken>,
    /// When they were made.
    pub issued_at: Timestamp,
    /// The instant from which the access token no longer counts.
    pub expires_at: Timestamp,
}

/// How the access token is delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TokenDelivery {
    /// In the body, with a refresh token by which the client renews it.
    #[default]
    Body,
    /// In a cookie, which no script can read and so none can renew: it lasts as long as the session.
    Cookie,
}

/// A session of `user_id` that begins at `now` with an event of this kind, in place of the session of the cookie that the
/// browser showed.
pub(super) fn begin_session(
    app: &App,
    user_id: UserId,
    client: &Client,
    kind: SecurityEventKind,
    cookie: Option<&AccessToken>,
) -> Result<SessionStart, ServiceError> {
    let now = app.clock.now();
    let id = app.ids.session();
    Ok(SessionStart {
        session: Session::begin(id, user_id, client.clone(), now, &app.session_policy),
        event: event(app, kind, Some(user_id), client, now).of_session(id),
        replaces: match cookie {
            Some(token) => replaced_session(app, client, token)?,
            None => None,
        },
        eviction: event(
            app,
            SecurityEventKind::SessionEvicted,
            Some(user_id),
            client,
            now,
        ),
    })
}

/// The session of a cookie that the browser is about to replace; `None` when the cookie is not valid any more.
fn replaced_session(
    app: &App,
    client: &Client,
    token: &AccessToken,
) -> Result<Option<ReplacedSession>, ServiceError> {
    match app.tokens.verify(token) {
        Ok(claims) => {
            let (user_id, id) = (claims.user_id, claims.session_id);
            let kind = SecurityEventKind::LoggedOut;
            let event = event(app, kind, Some(user_id), client, app.clock.now()).of_session(id);
            Ok(Some(ReplacedSession { id, user_id, event }))
        }
        Err(TokenError::Rejected(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

impl SignedIn {
    /// Makes what `keeper` keeps of `user` and `session` at `now`.
    pub(super) fn new(
        app: &App,
        user: User,
        session: Session,
        keeper: TokenDelivery,
        now: Timestamp,
    ) -> Result<Self, ServiceError> {
        let expires_at = match keeper {
            TokenDelivery::Body => session.access_expires_at(now, &app.session_policy),
            TokenDelivery::Cookie => session.expires_at,
        };
        let claims = AccessClaims::new(&user, &session, now, expires_at);
        let token = app.tokens.issue(&claims)?;
        let refresh_token = match keeper {
            TokenDelivery::Body => Some(app.refresh_tokens.issue(&RefreshClaims::new(&session))?),
            TokenDelivery::Cookie => None,
        };
        Ok(Self {
            user,
            session,
            token,
            refresh_token,
            issued_at: claims.issued_at,
            expires_at: claims.expires_at,
        })
    }
}
