//! Giving users everything that is kept of them.

use todo_domain::{
    Direction, Page, PageLimit, PageStart, PersonalAccessToken, SecurityEvent,
    SecurityEventKind::AccountExported, Session, SortKey, Todo, TodoFilter, TodoOrder,
};

use super::Account;
use crate::{App, Failure, SessionCaller, security_event::event_by};

/// Everything that is kept of a user, but for what would be a credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountExport {
    /// The account.
    pub account: Account,
    /// Every todo, in the order of their creation.
    pub todos: Vec<Todo>,
    /// Where the user is logged in, or was until a while ago.
    pub sessions: Vec<Session>,
    /// The tokens that the user has made, their secrets aside.
    pub personal_access_tokens: Vec<PersonalAccessToken>,
    /// What happened to the account, as far as it is kept, the last first.
    pub security_events: Vec<SecurityEvent>,
}

/// Why nothing was exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportAccountError {
    /// The account was deleted a moment ago, and its sessions with it.
    #[error("the account does not exist any more")]
    CallerMissing,
    /// The service failed.
    #[error(transparent)]
    Failure(#[from] Failure),
}

/// Everything that is kept of the caller. That it was asked for is recorded.
///
/// Todos are read a page at a time: each that is there all the while is in it once, as it was when its page was read.
///
/// # Errors
/// [`ExportAccountError`].
pub fn export_account(
    app: &App,
    caller: &SessionCaller,
) -> Result<AccountExport, ExportAccountError> {
    let owner = caller.user_id();
    app.security_events
        .record(&event_by(app, caller, AccountExported))
        .map_err(Failure::from)?;
    let user = app
        .users
        .find(owner)
        .map_err(Failure::from)?
        .ok_or(ExportAccountError::CallerMissing)?;
    Ok(AccountExport {
        account: Account::of(app, user)?,
        todos: every_todo(app, caller)?,
        sessions: app.sessions.list(owner).map_err(Failure::from)?,
        personal_access_tokens: app
            .personal_access_tokens
            .list(owner)
            .map_err(Failure::from)?,
        security_events: app
            .security_events
            .list(owner, u32::MAX)
            .map_err(Failure::from)?,
    })
}

fn every_todo(app: &App, caller: &SessionCaller) -> Result<Vec<Todo>, Failure> {
    let order = TodoOrder {
        key: SortKey::CreatedAt,
        direction: Direction::Ascending,
    };
    let mut page = Page {
        order,
        start: PageStart::default(),
        limit: PageLimit::default(),
    };
    let limit = usize::from(page.limit.get());
    let mut todos = Vec::new();
    loop {
        let mut found = app
            .todos
            .list(caller.user_id().into(), &TodoFilter::default(), &page)?;
        let goes_on = found.len() > limit;
        found.truncate(limit);
        todos.append(&mut found);
        match todos.last() {
            Some(last) if goes_on => page.start = PageStart::After(order.position(last)),
            _ => return Ok(todos),
        }
    }
}

#[cfg(test)]
mod tests {
    use mockall::Sequence;

    use super::*;
    use crate::testing::{
        Mocks, event, personal_access_token, session, session_caller, todo, unavailable, user,
        user_id,
    };

    fn recorded() -> Mocks {
        let mut mocks = Mocks::at_now();
        mocks
            .security_events
            .expect_record()
            .withf(|recorded| *recorded == event(AccountExported).of_session(session().id))
            .once()
            .returning(|_| Ok(()));
        mocks
    }

    #[test]
    fn it_has_all_pages_of_todos_and_all_else() {
        let mut mocks = recorded();
        mocks.users.expect_find().returning(|_| Ok(Some(user())));
        mocks
            .mailed_secrets
            .expect_find_email_change()
            .returning(|_, _| Ok(None));
        let mut order = Sequence::new();
        let after = PageStart::After(
            TodoOrder {
                key: SortKey::CreatedAt,
                direction: Direction::Ascending,
            }
            .position(&todo()),
        );
        for (start, found) in [(PageStart::default(), 1_001), (after, 2)] {
            mocks
                .todos
                .expect_list()
                .withf(move |owner, filter, page| {
                    *owner == user_id(1).into()
                        && *filter == TodoFilter::default()
                        && page.start == start
                })
                .once()
                .in_sequence(&mut order)
                .returning(move |_, _, _| Ok(vec![todo(); found]));
        }
        mocks
            .sessions
            .expect_list()
            .returning(|_| Ok(vec![session()]));
        mocks
            .personal_access_tokens
            .expect_list()
            .withf(|owner| *owner == user_id(1))
            .returning(|_| Ok(vec![personal_access_token()]));
        mocks
            .security_events
            .expect_list()
            .withf(|owner, limit| *owner == user_id(1) && *limit == u32::MAX)
            .returning(|_, _| Ok(vec![event(AccountExported)]));
        let export = export_account(&mocks.app(), &session_caller()).unwrap();
        assert_eq!(export.account.user, user());
        assert_eq!(export.todos.len(), 1_002);
        assert_eq!(export.sessions, [session()]);
        assert_eq!(export.personal_access_tokens, [personal_access_token()]);
        assert_eq!(export.security_events, [event(AccountExported)]);
    }

    #[test]
    fn an_account_deleted_meanwhile_is_said_to_be_gone() {
        let mut mocks = recorded();
        mocks.users.expect_find().returning(|_| Ok(None));
        assert!(matches!(
            export_account(&mocks.app(), &session_caller()),
            Err(ExportAccountError::CallerMissing)
        ));
    }

    #[test]
    fn a_storage_that_is_away_is_a_failure() {
        let mut mocks = Mocks::at_now();
        mocks
            .security_events
            .expect_record()
            .returning(|_| Err(unavailable()));
        assert!(matches!(
            export_account(&mocks.app(), &session_caller()),
            Err(ExportAccountError::Failure(Failure::Unavailable(_)))
        ));
    }
}
