//! The default isolation level of a PostgreSQL database.

use std::thread;

use rstest::rstest;
use todo_domain::{TodoChange, ports::TodoRepository};
use todo_testkit::Kind::Postgres;

use crate::storage::{Storage, at, connect};

const WRITERS: usize = 8;

#[rstest]
fn concurrent_toggles_are_all_made_at_any_default_isolation(
    #[values("repeatable read", "serializable")] isolation: &str,
) {
    const TOGGLES_EACH: usize = 100;
    let Some(storage) = Storage::new(Postgres) else {
        return;
    };
    storage.behind.execute(&format!(
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_isolation = %L', \
         current_database(), '{isolation}'); END $$"
    ));
    let owner = storage.user("ada@example.com").id;
    let id = storage.todo(owner, "Buy milk", 0).id;
    let change = TodoChange::toggle();
    let toggle_often = || {
        let instance = connect(&storage.behind);
        let toggle = || TodoRepository::update(&instance, owner.into(), id, None, &change, at(1));
        (0..TOGGLES_EACH)
            .map(|_| toggle().unwrap().unwrap().version)
            .collect::<Vec<_>>()
    };
    let mut versions: Vec<_> = thread::scope(|scope| {
        let running: Vec<_> = (0..WRITERS).map(|_| scope.spawn(toggle_often)).collect();
        running
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect()
    });
    versions.sort_unstable();
    let expected: Vec<_> = (2..).take(WRITERS * TOGGLES_EACH).collect();
    assert_eq!(versions, expected);
}
