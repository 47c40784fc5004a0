//! Backup of an SQLite database.

use std::{
    fs,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use tempfile::TempDir;
use todo_domain::ports::{TodoRepository, UserRepository};
use todo_infra::{BackupError, Database, DatabaseUrl, PoolSettings};
use todo_testkit::Kind::{Postgres, Sqlite};

use crate::storage::{Storage, connect, new_todo};

const WRITERS: usize = 3;

/// Opens the database in a file.
fn opened(file: &Path) -> Database {
    let url: DatabaseUrl = format!("sqlite://{}", file.display()).parse().unwrap();
    let settings = PoolSettings::for_kind(url.kind());
    Database::new(url, &settings)
}

/// The sorted names of the files in a folder.
fn names(folder: &TempDir) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_backup_during_writes_is_consistent() {
    let storage = Storage::new(Sqlite).unwrap();
    let user = storage.user("ada@example.com");
    let owner = user.id;
    let folder = TempDir::new().unwrap();
    let files: Vec<_> = (0..5)
        .map(|number| folder.path().join(format!("copy-{number}.db")))
        .collect();
    let ended = AtomicBool::new(false);

    // Each writer writes 0, 1, 2 … one after another.
    let results = thread::scope(|scope| {
        for writer in 0..WRITERS {
            let instance = connect(&storage.behind);
            let ended = &ended;
            scope.spawn(move || {
                for number in 0.. {
                    if ended.load(Ordering::Relaxed) {
                        break;
                    }
                    let todo = new_todo(owner, &format!("{writer} {number}"), number);
                    TodoRepository::insert(&instance, &todo, None).unwrap();
                }
            });
        }
        let count = || storage.behind.texts("tasks", "title").len();
        let results = files.iter().map(|copy| {
            let before = count();
            // Each writer writes something during each backup.
            while count() < before + WRITERS {}
            (before + WRITERS, storage.database.backup(copy))
        });
        let results: Vec<_> = results.collect();
        ended.store(true, Ordering::Relaxed);
        results
    });

    assert_eq!(names(&folder).len(), files.len(), "{:?}", names(&folder));
    for (copy, (before, length)) in files.iter().zip(results) {
        assert_eq!(fs::metadata(copy).unwrap().len(), length.unwrap());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(copy).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        let checked = todo_testkit::sqlite_values(
            copy,
            "SELECT integrity_check AS value FROM pragma_integrity_check",
        );
        assert_eq!(checked, [Some("ok".to_owned())]);
        let database = opened(copy);
        assert_eq!(database.plan_migration().unwrap(), []);
        assert_eq!(
            database
                .find_credentials(&user.email)
                .unwrap()
                .unwrap()
                .user,
            user
        );
        let titles = todo_testkit::sqlite_values(copy, "SELECT title AS value FROM tasks");
        let titles: Vec<String> = titles.into_iter().map(Option::unwrap).collect();
        assert!(titles.len() >= before, "what was there before is in it");
        for writer in 0..WRITERS {
            let of_writer = |title: &&String| title.starts_with(&format!("{writer} "));
            let count = titles.iter().filter(of_writer).count();
            for number in 0..count {
                assert!(
                    titles.contains(&format!("{writer} {number}")),
                    "nothing is in it without what came before"
                );
            }
        }
    }
}

#[test]
fn an_existing_file_is_not_replaced() {
    let storage = Storage::new(Sqlite).unwrap();
    let folder = TempDir::new().unwrap();
    let there = folder.path().join("there.db");
    fs::write(&there, "precious").unwrap();
    let error = storage.database.backup(&there).unwrap_err();
    assert!(matches!(error, BackupError::Exists(_)), "{error}");
    assert_eq!(fs::read(&there).unwrap(), b"precious");

    let nowhere = folder.path().join("missing/copy.db");
    let error = storage.database.backup(&nowhere).unwrap_err();
    assert!(matches!(error, BackupError::Write(..)), "{error}");

    let missing = opened(&folder.path().join("missing.db"));
    let error = missing.backup(&folder.path().join("copy.db")).unwrap_err();
    assert!(matches!(error, BackupError::Missing(_)), "{error}");

    fs::write(folder.path().join("other.db"), "no database at all").unwrap();
    let other = opened(&folder.path().join("other.db"));
    let error = other.backup(&folder.path().join("copy.db")).unwrap_err();
    assert!(
        matches!(error, BackupError::Copy(_) | BackupError::Connect(_)),
        "{error}"
    );
    assert_eq!(names(&folder), ["other.db", "there.db"]);
}

#[test]
fn postgres_has_no_backup() {
    let Some(storage) = Storage::new(Postgres) else {
        return;
    };
    let folder = TempDir::new().unwrap();
    let error = storage.database.backup(&folder.path().join("copy.db"));
    assert!(matches!(error, Err(BackupError::NotAFile)), "{error:?}");
    assert_eq!(names(&folder), [""; 0]);
}
