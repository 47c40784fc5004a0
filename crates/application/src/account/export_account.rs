//! Exporting the data of an account, page by page.

use todo_domain::{
    Direction, EventId, Page, PageLimit, PageLimitError, PageStart, PersonalAccessToken,
    SecurityEvent, SecurityEventKind::AccountExported, Session, SessionId, SortKey, Timestamp,
    Todo, TodoFilter, TodoOrder, UserId,
};

use super::Account;
use crate::{App, ServiceError, SessionCaller, security_event::event_by};

/// The largest number of entries of a page: a page of the largest todos has about a megabyte.
const PAGE_LENGTH: u16 = 100;

const TODO_ORDER: TodoOrder = TodoOrder {
    key: SortKey::CreatedAt,
    direction: Direction::Ascending,
};

/// A part of an export. Pages come in this order; there is at least one of each kind, which may be empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExportPage {
    /// Todos, in the order of their creation.
    Todos(Vec<Todo>),
    /// The sessions, also those that ended lately, the one that began last first.
    Sessions(Vec<Session>),
    /// The tokens of the user without their secrets, the one that was made last first.
    PersonalAccessTokens(Vec<PersonalAccessToken>),
    /// The recorded security events, the last one first.
    SecurityEvents(Vec<SecurityEvent>),
}

/// Why an export failed.
#[derive(Debug, thiserror::Error)]
pub enum ExportAccountError {
    /// The account was deleted a moment ago, and its sessions with it.
    #[error("the account does not exist any more")]
    CallerMissing,
    /// The session that asked for it has ended.
    #[error("the session ended during the export")]
    SessionEnded,
    /// The service failed.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

/// An export that is read a page at a time. It holds no connection and no thread between two pages.
#[derive(Debug)]
pub struct AccountExport {
    owner: UserId,
    session: SessionId,
    next: Option<Next>,
}

/// Where the next page starts.
#[derive(Debug)]
enum Next {
    Todos(PageStart),
    Sessions(Option<(Timestamp, SessionId)>),
    PersonalAccessTokens,
    SecurityEvents(Option<(Timestamp, EventId)>),
}

/// Begins an export of the caller's account, which is recorded, and gives the user with it.
///
/// # Errors
/// [`ExportAccountError`].
pub fn export_account(
    app: &App,
    caller: &SessionCaller,
) -> Result<(Account, AccountExport), ExportAccountError> {
    let owner = caller.user_id();
    app.security_events
        .record(&event_by(app, caller, AccountExported))
        .map_err(ServiceError::from)?;
    let user = app
        .users
        .find(owner)
        .map_err(ServiceError::from)?
        .ok_or(ExportAccountError::CallerMissing)?;
    let export = AccountExport {
        owner,
        session: caller.session.id,
        next: Some(Next::Todos(PageStart::default())),
    };
    Ok((Account::of(app, user)?, export))
}

impl AccountExport {
    /// Reads the next page; `None` after the last.
    ///
    /// An entry that exists all the while is in one page, as it was when the page was read. After an error the export is
    /// of no more use.
    ///
    /// # Errors
    /// [`ExportAccountError`].
    pub fn next_page(&mut self, app: &App) -> Result<Option<ExportPage>, ExportAccountError> {
        let Some(next) = self.next.take() else {
            return Ok(None);
        };
        self.demand_session(app)?;
        let (page, next) = match next {
            Next::Todos(start) => self.todos(app, start)?,
            Next::Sessions(after) => self.sessions(app, after)?,
            Next::PersonalAccessTokens => self.personal_access_tokens(app)?,
            Next::SecurityEvents(after) => self.security_events(app, after)?,
        };
        self.next = next;
        Ok(Some(page))
    }

    /// The session that asked for the export must be live for each page.
    fn demand_session(&self, app: &App) -> Result<(), ExportAccountError> {
        let found = app
            .sessions
            .find(self.session)
            .map_err(ServiceError::from)?;
        let now = app.clock.now();
        if found.is_some_and(|found| found.session.is_live(now, &app.session_policy)) {
            Ok(())
        } else {
            Err(ExportAccountError::SessionEnded)
        }
    }

    fn todos(
        &self,
        app: &App,
        start: PageStart,
    ) -> Result<(ExportPage, Option<Next>), ServiceError> {
        let limit = PageLimit::new(PAGE_LENGTH.into())
            .map_err(|error: PageLimitError| ServiceError::Internal(error.into()))?;
        let page = Page {
            order: TODO_ORDER,
            start,
            limit,
        };
        let all = TodoFilter::default();
        let mut todos = app.todos.list(self.owner.into(), &all, &page)?;
        // The page has one more where the list goes on.
        let goes_on = todos.len() > usize::from(PAGE_LENGTH);
        todos.truncate(PAGE_LENGTH.into());
        let next = match todos.last() {
            Some(last) if goes_on => Next::Todos(PageStart::After(TODO_ORDER.position(last))),
            _ => Next::Sessions(None),
        };
        Ok((ExportPage::Todos(todos), Some(next)))
    }

    fn sessions(
        &self,
        app: &App,
        after: Option<(Timestamp, SessionId)>,
    ) -> Result<(ExportPage, Option<Next>), ServiceError> {
        let sessions = app
            .sessions
            .list_after(self.owner, after, PAGE_LENGTH.into())?;
        let next = match last_of_full(&sessions) {
            Some(last) => Next::Sessions(Some((last.created_at, last.id))),
            None => Next::PersonalAccessTokens,
        };
        Ok((ExportPage::Sessions(sessions), Some(next)))
    }

    /// All of them are one page: a user has few.
    fn personal_access_tokens(
        &self,
        app: &App,
    ) -> Result<(ExportPage, Option<Next>), ServiceError> {
        let tokens = app.personal_access_tokens.list(self.owner)?;
        let next = Next::SecurityEvents(None);
        Ok((ExportPage::PersonalAccessTokens(tokens), Some(next)))
    }

    fn security_events(
        &self,
        app: &App,
        after: Option<(Timestamp, EventId)>,
    ) -> Result<(ExportPage, Option<Next>), ServiceError> {
        let events = app
            .security_events
            .list_after(self.owner, after, PAGE_LENGTH.into())?;
        let next = last_of_full(&events)
            .map(|last| Next::SecurityEvents(Some((last.created_at, last.id))));
        Ok((ExportPage::SecurityEvents(events), next))
    }
}

/// The last entry of a page that is full, after which there may be more.
fn last_of_full<T>(page: &[T]) -> Option<&T> {
    page.last()
        .filter(|_| page.len() >= usize::from(PAGE_LENGTH))
}

#[cfg(test)]
mod tests {
    use mockall::Sequence;

    use super::*;
    use crate::testing::{
        Mocks, event, found, personal_access_token, session, session_caller, session_id, todo,
        unavailable, user, user_id,
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
    fn all_entries_are_read_in_pages_while_the_session_lasts() {
        let mut mocks = recorded();
        mocks.users.expect_find().returning(|_| Ok(Some(user())));
        mocks
            .mailed_secrets
            .expect_find_email_change()
            .returning(|_, _| Ok(None));
        mocks
            .sessions
            .expect_find()
            .withf(|id| *id == session_id(1))
            .times(7)
            .returning(|_| Ok(Some(found(session()))));
        let mut order = Sequence::new();
        let after = PageStart::After(TODO_ORDER.position(&todo()));
        for (start, found) in [(PageStart::default(), 101), (after, 2)] {
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
        let last = session();
        for (after, found) in [(None, 100), (Some((last.created_at, last.id)), 1)] {
            mocks
                .sessions
                .expect_list_after()
                .withf(move |owner, from, limit| {
                    *owner == user_id(1) && *from == after && *limit == 100
                })
                .once()
                .in_sequence(&mut order)
                .returning(move |_, _, _| Ok(vec![session(); found]));
        }
        mocks
            .personal_access_tokens
            .expect_list()
            .withf(|owner| *owner == user_id(1))
            .once()
            .in_sequence(&mut order)
            .returning(|_| Ok(vec![personal_access_token()]));
        let last = event(AccountExported);
        for (after, found) in [(None, 100), (Some((last.created_at, last.id)), 0)] {
            mocks
                .security_events
                .expect_list_after()
                .withf(move |owner, from, _| *owner == user_id(1) && *from == after)
                .once()
                .in_sequence(&mut order)
                .returning(move |_, _, _| Ok(vec![event(AccountExported); found]));
        }
        let app = mocks.app();
        let (exported, mut export) = export_account(&app, &session_caller()).unwrap();
        assert_eq!(exported.user, user());
        let expected = [
            ExportPage::Todos(vec![todo(); 100]),
            ExportPage::Todos(vec![todo(); 2]),
            ExportPage::Sessions(vec![session(); 100]),
            ExportPage::Sessions(vec![session()]),
            ExportPage::PersonalAccessTokens(vec![personal_access_token()]),
            ExportPage::SecurityEvents(vec![event(AccountExported); 100]),
            ExportPage::SecurityEvents(Vec::new()),
        ];
        for page in expected {
            assert_eq!(export.next_page(&app).unwrap(), Some(page));
        }
        assert_eq!(export.next_page(&app).unwrap(), None);
    }

    #[test]
    fn no_page_is_read_after_the_session_has_ended() {
        let mut mocks = recorded();
        mocks.users.expect_find().returning(|_| Ok(Some(user())));
        mocks
            .mailed_secrets
            .expect_find_email_change()
            .returning(|_, _| Ok(None));
        mocks.sessions.expect_find().once().returning(|_| Ok(None));
        let app = mocks.app();
        let (_, mut export) = export_account(&app, &session_caller()).unwrap();
        assert!(matches!(
            export.next_page(&app),
            Err(ExportAccountError::SessionEnded)
        ));
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
            Err(ExportAccountError::Service(ServiceError::Unavailable(_)))
        ));
    }
}
