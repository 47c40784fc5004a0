//! How far a long command has come, on standard error.

use std::time::{Duration, Instant};

use todo_domain::{ArchiveCounts, ArchiveRecord};

use crate::report;

/// How often it is said.
const INTERVAL: Duration = Duration::from_secs(2);

/// Counts records, and says now and then how many there were.
#[derive(Debug)]
pub(super) struct Progress {
    verb: &'static str,
    counts: ArchiveCounts,
    said_at: Instant,
}

impl Progress {
    /// Of what a verb says, such as "Exported".
    pub(super) fn of(verb: &'static str) -> Self {
        Self {
            verb,
            counts: ArchiveCounts::default(),
            said_at: Instant::now(),
        }
    }

    pub(super) fn add(&mut self, record: &ArchiveRecord) {
        self.counts.add(record);
        if self.said_at.elapsed() >= INTERVAL {
            report::progress(&format!("{} so far", text(self.verb, self.counts)));
            self.said_at = Instant::now();
        }
    }
}

/// Says what was done.
pub(super) fn done(verb: &str, counts: ArchiveCounts) {
    report::progress(&text(verb, counts));
}

fn text(verb: &str, counts: ArchiveCounts) -> String {
    let ArchiveCounts { users, todos } = counts;
    let user_word = if users == 1 { "user" } else { "users" };
    let task_word = if todos == 1 { "task" } else { "tasks" };
    format!("{verb} {users} {user_word} and {todos} {task_word}")
}
