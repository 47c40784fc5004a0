//! Migrations that are interrupted or blocked.

use std::{
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::atomic::{AtomicU32, Ordering::SeqCst},
    thread,
};

use todo_infra::Progress;
use todo_testkit::TestDatabase;

use super::old_backend::{OldBackend, OldSchema};
use crate::storage::{Storage, connect};

/// Migrates until `stop` returns true, and then ends as abruptly as a killed process. Returns whether it was stopped.
fn interrupted(storage: &Storage, stop: impl Fn(Progress<'_>) -> bool) -> bool {
    let migrating = catch_unwind(AssertUnwindSafe(|| {
        storage.database.migrate_and_tell(&mut |progress| {
            if stop(progress) {
                // Without the message that a panic prints.
                resume_unwind(Box::new(()));
            }
        })
    }));
    match migrating {
        Ok(result) => {
            result.unwrap();
            false
        }
        Err(_) => true,
    }
}

/// The number of tasks with unfilled columns.
fn lacking(behind: &TestDatabase) -> String {
    let sql = "SELECT count(*)::text AS value FROM tasks WHERE title_folded IS NULL \
               OR (completed AND completed_at IS NULL)";
    behind.values(sql).remove(0).unwrap()
}

fn insert_many(old: &OldBackend, tasks: u32) {
    old.storage.behind.execute(&format!(
        "INSERT INTO tasks (id, user_id, title, completed, created_at, updated_at) \
         SELECT gen_random_uuid(), '{}', 'Task ' || i, i % 2 = 0, '2024-02-01', '2024-02-02' \
         FROM generate_series(1, {tasks}) AS i",
        old.user.as_uuid()
    ));
}

#[test]
fn a_migration_continues_after_an_interruption_at_each_step() {
    let Some(old) = OldBackend::new(OldSchema::WithPasswords) else {
        return;
    };
    let steps = old.storage.database.plan_migration().unwrap();
    for step in &steps {
        let Some(old) = OldBackend::new(OldSchema::WithPasswords) else {
            return;
        };
        let id = old.insert("Buy MILK", "", true);
        let begins = |progress: Progress<'_>| matches!(progress, Progress::Step { step: begun, .. } if begun.name == step.name);
        assert!(interrupted(&old.storage, begins), "{step:?}");
        // The old backend works at each stage of the migration.
        let later = old.insert("Later", "", true);
        old.update(id, "Buy BREAD", "", true);
        old.storage.database.migrate().unwrap();
        assert_eq!(lacking(&old.storage.behind), "0");
        assert!(old.details(id).starts_with("buy bread |  | 2024-0"));
        assert!(old.details(later).starts_with("later |  | 2024-02-02"));
        assert!(old.storage.database.plan_migration().unwrap().is_empty());
    }
}

#[test]
fn an_interrupted_back_fill_continues() {
    let Some(old) = OldBackend::new(OldSchema::WithPasswords) else {
        return;
    };
    insert_many(&old, 5_000);
    let after_one_batch = |progress: Progress<'_>| matches!(progress, Progress::Rows { .. });
    assert!(interrupted(&old.storage, after_one_batch));
    assert_eq!(lacking(&old.storage.behind), "3000");
    let mut heard = Vec::new();
    let listen = &mut |progress: Progress<'_>| {
        if let Progress::Rows { done, of_about } = progress {
            heard.push((done, of_about));
        }
    };
    old.storage.database.migrate_and_tell(listen).unwrap();
    assert_eq!(lacking(&old.storage.behind), "0");
    let heard: Vec<_> = heard.iter().map(|(done, _)| *done).collect();
    // And then the tasks of one user are counted.
    assert_eq!(heard, [2_000, 4_000, 1]);
}

#[test]
fn an_invalid_index_is_built_again() {
    const NAME: &str = "ix_tasks_user_id_due_at_id";
    let Some(old) = OldBackend::new(OldSchema::WithPasswords) else {
        return;
    };
    let begins = |progress: Progress<'_>| matches!(progress, Progress::Step { step, .. } if step.name.contains(NAME));
    assert!(interrupted(&old.storage, begins));
    // An index of a server that stopped while it was built.
    old.storage.behind.execute(&format!(
        "CREATE INDEX {NAME} ON tasks (user_id, due_at, id); \
         UPDATE pg_index SET indisvalid = false WHERE indexrelid = '{NAME}'::regclass"
    ));
    let steps = old.storage.database.migrate().unwrap();
    let step = steps.iter().find(|step| step.name.contains(NAME)).unwrap();
    assert!(
        step.why.contains("an interrupted attempt left it invalid"),
        "{step:?}"
    );
    let sql = "SELECT count(*)::text AS value FROM pg_index \
               WHERE indrelid = 'tasks'::regclass AND NOT indisvalid";
    assert_eq!(old.storage.behind.values(sql), [Some("0".to_owned())]);
}

/// Runs `statement` in a transaction, and `work` while that is open. The argument of `work` ends the transaction.
fn while_open<T>(behind: &TestDatabase, statement: &str, work: impl FnOnce(&dyn Fn()) -> T) -> T {
    behind.execute("CREATE TABLE released ()");
    let transaction = format!(
        "DO $$ BEGIN {statement}; PERFORM pg_advisory_xact_lock(1); \
         WHILE NOT EXISTS (SELECT FROM released) LOOP \
         IF clock_timestamp() > now() + interval '1 minute' THEN RAISE 'not released'; END IF; \
         PERFORM pg_sleep(0.01); END LOOP; END $$"
    );
    thread::scope(|scope| {
        scope.spawn(|| behind.execute(&transaction));
        let is_open = "SELECT '' AS value FROM pg_locks WHERE locktype = 'advisory' AND objid = 1 \
                       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
        while behind.values(is_open).is_empty() {
            thread::yield_now();
        }
        work(&|| behind.execute("INSERT INTO released DEFAULT VALUES"))
    })
}

#[test]
fn writers_pass_a_migration_that_waits_for_a_table() {
    let Some(old) = OldBackend::new(OldSchema::WithPasswords) else {
        return;
    };
    let id = old.insert("Buy milk", "", false);
    let other = connect(&old.storage.behind);
    let attempts = AtomicU32::new(0);
    let read = "PERFORM count(*) FROM tasks";
    while_open(&old.storage.behind, read, |release| {
        thread::scope(|scope| {
            let migrating = scope.spawn(|| {
                other.migrate_and_tell(&mut |progress| {
                    let in_use = matches!(progress, Progress::TableInUse { table: "tasks" });
                    attempts.fetch_add(in_use.into(), SeqCst);
                })
            });
            // If the migration waited for the reader, each of these would wait for the migration.
            while attempts.load(SeqCst) < 3 {
                old.toggle(id, "2024-03-03");
            }
            release();
            migrating.join().unwrap().unwrap();
        });
    });
}

#[test]
fn the_back_fill_returns_to_locked_rows() {
    let Some(old) = OldBackend::new(OldSchema::WithPasswords) else {
        return;
    };
    insert_many(&old, 10);
    let behind = &old.storage.behind;
    let back_fill = |progress: Progress<'_>| matches!(progress, Progress::Step { step, .. } if step.name == "back-fill");
    assert!(interrupted(&old.storage, back_fill));
    let lock = "PERFORM id FROM tasks LIMIT 3 FOR UPDATE";
    while_open(behind, lock, |release| {
        thread::scope(|scope| {
            let migrating = scope.spawn(|| old.storage.database.migrate());
            while lacking(behind) != "3" {
                thread::yield_now();
            }
            release();
            migrating.join().unwrap().unwrap();
        });
    });
    assert_eq!(lacking(behind), "0");
}

#[test]
fn instances_wait_for_an_index_build_without_blocking_it() {
    let Some(old) = OldBackend::new(OldSchema::WithPasswords) else {
        return;
    };
    insert_many(&old, 3_000);
    let instances: Vec<_> = (0..8).map(|_| connect(&old.storage.behind)).collect();
    let migrated: Vec<_> = thread::scope(|scope| {
        let running: Vec<_> = instances
            .iter()
            .map(|instance| scope.spawn(|| instance.migrate().unwrap().len()))
            .collect();
        running
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    assert_eq!(migrated.iter().filter(|steps| **steps > 0).count(), 1);
    assert_eq!(lacking(&old.storage.behind), "0");
}
