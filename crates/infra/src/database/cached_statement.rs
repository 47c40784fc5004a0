//! Cached prepared statements.

use std::{any::Any, marker::PhantomData};

use diesel::{
    QueryResult, RunQueryDsl,
    backend::Backend,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
};

/// A statement whose prepared form is cached on its connection, by its text.
///
/// Diesel prepares INSERT and UPDATE anew each time, since their text depends on which values are set; on PostgreSQL
/// that is one more round trip, and planning again. Ours have few texts each, so each text is prepared once.
///
/// It has an effect on statements that return rows only: for `execute`, diesel asks a reference to the statement, which does not
/// know that it is cached. (Diesel caches DELETE itself.)
#[derive(Debug, Clone, Copy)]
pub(crate) struct CachedStatement<Q>(Q);

/// Caches the prepared form of `statement`. Its text must not depend on the length of its input (such as a list of values).
pub(crate) fn cached<Q>(statement: Q) -> CachedStatement<Q> {
    CachedStatement(statement)
}

impl<DB: Backend, Q: QueryFragment<DB>> QueryFragment<DB> for CachedStatement<Q> {
    fn walk_ast<'b>(&'b self, pass: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        self.0.walk_ast(pass)
    }

    fn is_safe_to_cache_prepared(&self, _: &DB) -> QueryResult<bool> {
        Ok(true)
    }
}

impl<Q> QueryId for CachedStatement<Q> {
    type QueryId = ();

    /// The key of the cache is the text.
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q: Query> Query for CachedStatement<Q> {
    type SqlType = Q::SqlType;
}

impl<Q, C> RunQueryDsl<C> for CachedStatement<Q> {}

/// A [`CachedStatement`] whose text is always the same, so that diesel finds it by the type `Name` and does not write the
/// text again. That takes a tenth of the time of a small statement on SQLite.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NamedStatement<Name, Q> {
    statement: Q,
    name: PhantomData<Name>,
}

/// Caches the prepared form of `statement` by a type that names no other statement. Its text MUST NOT depend on its input.
pub(crate) fn named<Name, Q>(statement: Q) -> NamedStatement<Name, Q> {
    NamedStatement {
        statement,
        name: PhantomData,
    }
}

impl<DB: Backend, Name, Q: QueryFragment<DB>> QueryFragment<DB> for NamedStatement<Name, Q> {
    fn walk_ast<'b>(&'b self, pass: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        self.statement.walk_ast(pass)
    }

    fn is_safe_to_cache_prepared(&self, _: &DB) -> QueryResult<bool> {
        Ok(true)
    }
}

impl<Name: Any, Q> QueryId for NamedStatement<Name, Q> {
    type QueryId = Name;

    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<Name, Q: Query> Query for NamedStatement<Name, Q> {
    type SqlType = Q::SqlType;
}

impl<Name, Q, C> RunQueryDsl<C> for NamedStatement<Name, Q> {}

#[cfg(test)]
mod tests {
    use diesel::{QueryableByName, sql_query, sql_types::BigInt};
    use todo_domain::{
        AccessProof, Atomicity, Change, Client, CompletionChange, Description, DisplayName, Email,
        IdempotencyKey, NewPersonalAccessToken, NewTodo, Once, OperationOutcome, PasswordHash,
        PersonalAccessToken, Scope, SecretKind, SecurityEvent,
        SecurityEventKind::{LoggedIn, Registered, SessionEvicted, TokenCreated},
        Session, SessionPolicy, SessionSnapshot, SessionStart, Title, Todo, TodoChange,
        TodoOperation, TokenLifetime, TokenName, TokenScopes, User,
        ports::{
            Clock, IdGenerator, Owner, PersonalAccessTokens, Secrets, SessionRepository,
            TodoRepository, UserRepository,
        },
    };
    use todo_testkit::{Kind::Postgres, TestDatabase};

    use super::*;
    use crate::{Database, DatabaseUrl, PoolSettings, RandomIds, RandomSecrets, SystemClock};

    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        count: i64,
    }

    /// How many statements that write or lock are prepared on the one connection.
    fn prepared(database: &Database) -> i64 {
        let sql = "SELECT count(*) AS count FROM pg_prepared_statements \
                   WHERE statement ~ '^(INSERT|UPDATE|DELETE|WITH)|pg_try_advisory|FOR (NO KEY UPDATE|KEY SHARE)'";
        let count: Count = database
            .read(|connection| sql_query(sql).get_result(connection))
            .unwrap();
        count.count
    }

    fn write_everything(database: &Database, email: &str) {
        let (now, ids) = (SystemClock.now(), RandomIds);
        let email = Email::new(email).unwrap();
        let user = User::new(ids.user(), email, DisplayName::new("Ada").unwrap(), now);
        let policy = SessionPolicy::default();
        let begin = || Session::begin(ids.session(), user.id, Client::default(), now, &policy);
        let event = |kind| SecurityEvent {
            id: ids.event(),
            user_id: Some(user.id),
            kind,
            subject: None,
            client: Client::default(),
            created_at: now,
        };
        let hash = PasswordHash::new("a hash".to_owned());
        let start = |kind| SessionStart {
            session: begin(),
            event: event(kind),
            replaces: None,
            eviction: event(SessionEvicted),
        };
        UserRepository::insert(database, &user, &hash, &start(Registered)).unwrap();
        let start = start(LoggedIn);
        let proof = AccessProof::new(user.id).with_session(start.session.id);
        SessionRepository::insert(database, &start, &AccessProof::new(user.id)).unwrap();
        let session = start.session;
        SessionRepository::record_use(database, session.id, now).unwrap();
        let rotated = database.rotate(session.id, 0, now);
        assert!(rotated.unwrap());
        make_token(database, &proof, &event(TokenCreated));
        let new_hash = PasswordHash::new("another hash".to_owned());
        let replaced = database.replace_password_hash(user.id, &hash, &new_hash);
        assert!(replaced.unwrap());
        let new = NewTodo {
            description: Some(Description::new("b").unwrap()),
            ..NewTodo::titled(Title::new("a").unwrap())
        };
        let todo = Todo::new(ids.todo(), user.id, new, now);
        TodoRepository::insert(database, &todo, None).unwrap();
        apply_once(
            database,
            &Todo {
                id: ids.todo(),
                ..todo.clone()
            },
        );
        let change = TodoChange {
            title: Change::To(todo.title.clone()),
            description: Change::To(None),
            completion: CompletionChange::To(true),
            ..TodoChange::default()
        };
        for change in [change, TodoChange::toggle()] {
            TodoRepository::update(database, user.id.into(), todo.id, None, &change, now).unwrap();
        }
        TodoRepository::delete(database, user.id.into(), todo.id, None).unwrap();
        write_guarded(database, &session, todo);
    }

    /// Inserts, changes and deletes a todo on the condition that a session counts.
    fn write_guarded(database: &Database, session: &Session, todo: Todo) {
        let (id, now) = (RandomIds.todo(), session.created_at);
        let guard = SessionSnapshot::from(session).guard(now, &SessionPolicy::default());
        let guard = guard.unwrap();
        database
            .insert_guarded(&Todo { id, ..todo }, guard)
            .unwrap();
        let (owner, toggle) = (Owner::OfSession(guard), TodoChange::toggle());
        let toggled = TodoRepository::update(database, owner, id, None, &toggle, now);
        assert!(toggled.unwrap().is_some());
        assert!(TodoRepository::delete(database, owner, id, None).unwrap());
        assert!(!TodoRepository::delete(database, owner, id, None).unwrap());
    }

    fn make_token(database: &Database, proof: &AccessProof, event: &SecurityEvent) {
        let new = NewPersonalAccessToken {
            name: TokenName::new("backup").unwrap(),
            scopes: TokenScopes::new(Scope::ALL).unwrap(),
            lifetime: TokenLifetime::from_days(1).unwrap(),
        };
        let now = event.created_at;
        let token = PersonalAccessToken::new(RandomIds.token(), proof.user_id(), new, now);
        let secret = RandomSecrets.generate(SecretKind::PersonalAccessToken);
        let digest = RandomSecrets.digest(&secret.unwrap());
        PersonalAccessTokens::insert(database, &token, &digest, proof, event).unwrap();
        PersonalAccessTokens::record_use(database, token.id, now).unwrap();
    }

    fn apply_once(database: &Database, todo: &Todo) {
        let once = Once {
            user_id: todo.owner,
            key: IdempotencyKey::new("key").unwrap(),
            request: "request".to_owned(),
            now: todo.created_at,
            answer: &|_: &[OperationOutcome]| Ok("answer".to_owned()),
        };
        let operations = [
            TodoOperation::Insert(todo.clone()),
            TodoOperation::Delete { id: todo.id },
        ];
        let atomicity = Atomicity::AllOrNothing;
        database
            .apply(once.user_id, &operations, atomicity, once.now, Some(&once))
            .unwrap();
    }

    /// A database with one connection.
    fn database(behind: &TestDatabase, statement_cache: bool) -> Database {
        let url: DatabaseUrl = behind.url().parse().unwrap();
        let settings = PoolSettings {
            max_connections: 1,
            statement_cache,
            ..PoolSettings::for_kind(url.kind())
        };
        let database = Database::new(url, &settings);
        database.migrate().unwrap();
        database
    }

    #[test]
    fn without_the_cache_no_statement_stays_prepared() {
        let Some(behind) = TestDatabase::new(Postgres) else {
            return;
        };
        let database = database(&behind, false);
        write_everything(&database, "ada@example.com");
        let email = Email::new("ada@example.com").unwrap();
        assert!(database.find_credentials(&email).unwrap().is_some());
        let all = "SELECT count(*) AS count FROM pg_prepared_statements";
        let Count { count } = database
            .read(|connection| sql_query(all).get_result(connection))
            .unwrap();
        assert_eq!(count, 0);
    }

    #[test]
    fn each_writing_statement_is_prepared_once() {
        let Some(behind) = TestDatabase::new(Postgres) else {
            return;
        };
        let database = database(&behind, true);
        write_everything(&database, "ada@example.com");
        // User, session, its use and its rotation, event, hash, todo; two changes; a deletion; a todo, a change and a
        // deletion on a condition; a lock, a key and its answer; the locks of a user and of a session, token and its use.
        assert_eq!(prepared(&database), 20);
        write_everything(&database, "grace@example.com");
        assert_eq!(prepared(&database), 20);
    }
}
