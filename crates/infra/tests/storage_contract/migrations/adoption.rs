//! Migrations of existing tables.

use rstest::rstest;
use todo_domain::{AccessProof, Page, SearchText, SecurityEventKind::AccountDeleted, TodoFilter};
use todo_testkit::Kind::{self, Postgres, Sqlite};

use super::old_backend::{FIRST_POSTGRES, FIRST_RECORDED, FIRST_SQLITE, OldBackend, OldSchema};
use crate::storage::{Storage, event_of};

const INDEXES: &str = "SELECT indexrelid::regclass::text AS value FROM pg_index \
    WHERE indrelid = 'tasks'::regclass AND indisvalid ORDER BY 1";

/// Our tables.
const TABLES: [&str; 8] = [
    "users",
    "tasks",
    "sessions",
    "idempotency_keys",
    "personal_access_tokens",
    "mailed_secrets",
    "guesses",
    "security_events",
];

/// The columns of a table, in the order of their names.
fn sorted_columns(storage: &Storage, table: &str) -> Vec<String> {
    let mut columns = storage.behind.columns(table);
    columns.sort();
    columns
}

fn titles_with(storage: &Storage, owner: todo_domain::UserId, text: &str) -> Vec<String> {
    let filter = TodoFilter {
        text: Some(SearchText::new(text).unwrap()),
        ..TodoFilter::default()
    };
    let todos = storage
        .todos()
        .list(owner.into(), &filter, &Page::default());
    let todos = todos.unwrap();
    todos.iter().map(|todo| todo.title.to_string()).collect()
}

#[rstest]
fn adopted_tables_equal_new_tables(
    #[values(OldSchema::WithPasswords, OldSchema::WithoutPasswords)] schema: OldSchema,
) {
    let (Some(old), Some(new)) = (OldBackend::new(schema), Storage::new(Postgres)) else {
        return;
    };
    old.storage.database.migrate().unwrap();
    for table in TABLES {
        let columns = sorted_columns(&old.storage, table);
        assert_eq!(columns, sorted_columns(&new, table));
    }
    let mut indexes = new.behind.values(INDEXES);
    indexes.insert(2, Some("ix_tasks_user_id".to_owned()));
    let mut adopted = old.storage.behind.values(INDEXES);
    indexes.sort();
    adopted.sort();
    assert_eq!(adopted, indexes);
    assert!(old.storage.database.migrate().unwrap().is_empty());
}

#[test]
fn rows_of_the_old_backend_are_complete_and_searchable() {
    let Some(old) = OldBackend::new(OldSchema::WithoutPasswords) else {
        return;
    };
    let done = old.insert("Straße FEGEN", "ΟΔΟΣ", true);
    let open = old.insert("Buy milk", "", false);
    old.storage.database.migrate().unwrap();
    assert_eq!(old.details(done), "strasse fegen | οδοσ | 2024-02-02 | 1");
    assert_eq!(old.details(open), "buy milk |  | open | 1");
    assert_eq!(
        titles_with(&old.storage, old.user, "STRASSE"),
        ["Straße FEGEN"]
    );
    assert!(old.found_user().is_some());
}

#[test]
fn a_user_of_the_old_backend_is_deleted_without_cascading_keys() {
    let Some(old) = OldBackend::new(OldSchema::WithPasswords) else {
        return;
    };
    old.insert("Buy milk", "", false);
    old.storage.database.migrate().unwrap();
    let proof = AccessProof::new(old.user);
    let event = event_of(old.user, AccountDeleted).of_former_user(old.user);
    old.storage.users().delete(&proof, &event).unwrap();
    let sql = "SELECT count(*)::text AS value FROM tasks";
    assert_eq!(old.storage.behind.values(sql), [Some("0".to_owned())]);
}

#[test]
fn existing_foreign_keys_are_kept() {
    let Some(old) = OldBackend::new(OldSchema::WithPasswords) else {
        return;
    };
    let sql = "SELECT pg_get_constraintdef(oid) AS value FROM pg_constraint \
               WHERE conrelid = 'tasks'::regclass AND contype = 'f'";
    let before = old.storage.behind.values(sql);
    old.storage.database.migrate().unwrap();
    assert_eq!(old.storage.behind.values(sql), before);
}

#[rstest]
fn tables_of_the_first_version_are_migrated(#[values(Sqlite, Postgres)] kind: Kind) {
    let (Some(storage), Some(new)) = (Storage::empty(kind), Storage::new(kind)) else {
        return;
    };
    let (first, id) = match kind {
        Sqlite => (FIRST_SQLITE, "zeroblob(16)"),
        Postgres => (FIRST_POSTGRES, "'00000000-0000-0000-0000-000000000000'"),
    };
    let (instant, yes) = match kind {
        Sqlite => ("1700000000000000", "1"),
        Postgres => ("'2023-11-14 22:13:20'", "true"),
    };
    storage.behind.execute(first);
    storage.behind.execute(FIRST_RECORDED);
    storage.behind.execute(&format!(
        "INSERT INTO users (id, email, email_verified, created_at, updated_at) \
         VALUES ({id}, 'ada@example.com', {yes}, {instant}, {instant}); \
         INSERT INTO tasks (id, user_id, title, completed, created_at, updated_at, title_folded) \
         VALUES ({id}, {id}, 'Buy milk', {yes}, {instant}, {instant}, 'buy milk')"
    ));
    assert!(!storage.database.migrate().unwrap().is_empty());
    for table in TABLES {
        assert_eq!(storage.behind.columns(table), new.behind.columns(table));
    }
    let sql = "SELECT CAST(count(*) AS text) AS value FROM tasks \
               WHERE completed_at = updated_at AND version = 1 AND priority = 1 AND tags = ''";
    assert_eq!(storage.behind.values(sql), [Some("1".to_owned())]);
    assert!(storage.database.migrate().unwrap().is_empty());
}
