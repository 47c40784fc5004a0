//! What clients did, operation by operation, what became of each, and whether what is stored agrees.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    time::{Duration, Instant},
};

use todo_trials::percentile;

/// What a client asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    /// Makes the task of this title.
    Create,
    /// Completes it or takes that back, which raises its version by one.
    Toggle,
    /// Deletes it.
    Delete,
    /// Reads a page of tasks.
    Read,
    /// Asks whether the process lives.
    Live,
    /// Asks whether it can serve.
    Ready,
}

impl Operation {
    /// Whether it changes something.
    pub(crate) fn is_write(self) -> bool {
        matches!(self, Self::Create | Self::Toggle | Self::Delete)
    }
}

/// What a client knows of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It was done.
    Acknowledged,
    /// It was not done, as the answer says.
    Failed,
    /// It was done or not: the answer says so, or none came.
    Unknown,
    /// There was no connection to send it on.
    NotSent,
}

/// One attempt at an operation.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) operation: Operation,
    /// The title of the task, which no other has; empty where no task is named.
    pub(crate) title: String,
    pub(crate) outcome: Outcome,
    /// The status of the answer, if one came.
    pub(crate) status: Option<u16>,
    /// When it was sent.
    pub(crate) sent: Instant,
    /// How long the answer took.
    pub(crate) took: Duration,
}

impl Entry {
    /// When its outcome was known.
    pub(crate) fn ended(&self) -> Instant {
        self.sent + self.took
    }
}

/// Every attempt of every client, in no order.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    pub(crate) entries: Vec<Entry>,
}

/// The versions of the tasks that are stored, by title.
pub(crate) type Stored = HashMap<String, Vec<u64>>;

/// What the journal and the storage say together.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Comparison {
    acknowledged: usize,
    failed: usize,
    unknown: usize,
    /// What contradicts the journal.
    pub(crate) contradictions: Vec<String>,
}

/// What is known of one task.
#[derive(Debug, Default)]
struct Known {
    created: Tally,
    toggled: Tally,
    deleted: Tally,
}

/// How many attempts came to what.
#[derive(Debug, Default, Clone, Copy)]
struct Tally {
    acknowledged: u64,
    unknown: u64,
}

impl Tally {
    fn add(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Acknowledged => self.acknowledged += 1,
            Outcome::Unknown => self.unknown += 1,
            Outcome::Failed | Outcome::NotSent => {}
        }
    }
}

impl Journal {
    /// Adds what others wrote down.
    pub(crate) fn add(&mut self, other: Self) {
        self.entries.extend(other.entries);
    }

    /// The attempts at one kind of operation.
    pub(crate) fn of(&self, operation: Operation) -> impl Iterator<Item = &Entry> {
        let of_kind = move |entry: &&Entry| entry.operation == operation;
        self.entries.iter().filter(of_kind)
    }

    /// The attempts at operations that change something.
    pub(crate) fn writes(&self) -> impl Iterator<Item = &Entry> {
        self.entries
            .iter()
            .filter(|entry| entry.operation.is_write())
    }

    /// How many milliseconds it took that 99 of 100 operations of this kind were acknowledged.
    pub(crate) fn p99(&self, operation: Operation) -> f64 {
        let took: Vec<f64> = self
            .of(operation)
            .filter(|entry| entry.outcome == Outcome::Acknowledged)
            .map(|entry| entry.took.as_secs_f64() * 1e3)
            .collect();
        percentile(&took, 0.99)
    }

    /// The answers that have none of these statuses, and that are no success: how many of each.
    pub(crate) fn answered_otherwise(&self, allowed: &[u16]) -> BTreeMap<u16, usize> {
        let mut counts = BTreeMap::new();
        for status in self.entries.iter().filter_map(|entry| entry.status) {
            if !(200..300).contains(&status) && !allowed.contains(&status) {
                *counts.entry(status).or_default() += 1;
            }
        }
        counts
    }

    /// Compares what was acknowledged, failed or is unknown with what is stored.
    pub(crate) fn compare(&self, stored: &Stored) -> Comparison {
        let mut comparison = Comparison::default();
        let mut known: HashMap<&str, Known> = HashMap::new();
        for entry in self.writes() {
            match entry.outcome {
                Outcome::Acknowledged => comparison.acknowledged += 1,
                Outcome::Failed => comparison.failed += 1,
                Outcome::Unknown => comparison.unknown += 1,
                Outcome::NotSent => {}
            }
            let task = known.entry(&entry.title).or_default();
            match entry.operation {
                Operation::Create => task.created.add(entry.outcome),
                Operation::Toggle => task.toggled.add(entry.outcome),
                Operation::Delete => task.deleted.add(entry.outcome),
                Operation::Read | Operation::Live | Operation::Ready => {}
            }
        }
        let none = Vec::new();
        let contradictions = known.iter().filter_map(|(title, known)| {
            let versions = stored.get(*title).unwrap_or(&none);
            let contradiction = known.contradiction(versions)?;
            Some(format!("{title}: {contradiction}"))
        });
        comparison.contradictions.extend(contradictions);
        let never_sent = stored
            .keys()
            .filter(|title| !known.contains_key(title.as_str()));
        let never_sent = never_sent.map(|title| format!("{title}: is stored, and nobody made it"));
        comparison.contradictions.extend(never_sent);
        comparison.contradictions.sort();
        comparison
    }
}

impl Known {
    /// What is wrong about the versions that are stored of it; one for each time that it is there.
    fn contradiction(&self, versions: &[u64]) -> Option<String> {
        let Self {
            created,
            toggled,
            deleted,
        } = self;
        match versions {
            [] if created.acknowledged == 0 || deleted.acknowledged + deleted.unknown > 0 => None,
            [] => Some("was made, and is not there".to_owned()),
            [_] if created.acknowledged + created.unknown == 0 => {
                Some("was refused, and is there".to_owned())
            }
            [_] if deleted.acknowledged > 0 => Some("was deleted, and is there".to_owned()),
            [version] => {
                let least = 1 + toggled.acknowledged;
                let most = least + toggled.unknown;
                let agrees = (least..=most).contains(version);
                (!agrees).then(|| format!("has version {version}, not {least} to {most}"))
            }
            several => Some(format!("is there {} times", several.len())),
        }
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            acknowledged,
            failed,
            unknown,
            contradictions,
        } = self;
        write!(
            f,
            "writes: {acknowledged} acknowledged, {failed} refused, {unknown} unknown; {} contradicted by what is stored",
            contradictions.len()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(operation: Operation, outcome: Outcome) -> Entry {
        Entry {
            operation,
            title: "a".to_owned(),
            outcome,
            status: None,
            sent: Instant::now(),
            took: Duration::ZERO,
        }
    }

    fn contradictions(entries: &[(Operation, Outcome)], versions: &[u64]) -> Vec<String> {
        let entries = entries
            .iter()
            .map(|&(operation, outcome)| entry(operation, outcome));
        let journal = Journal {
            entries: entries.collect(),
        };
        let mut stored = Stored::new();
        if !versions.is_empty() {
            stored.insert("a".to_owned(), versions.to_vec());
        }
        journal.compare(&stored).contradictions
    }

    #[test]
    fn what_was_acknowledged_is_there_once() {
        let created = [(Operation::Create, Outcome::Acknowledged)];
        assert!(contradictions(&created, &[1]).is_empty());
        assert_eq!(
            contradictions(&created, &[]),
            ["a: was made, and is not there"]
        );
        assert_eq!(contradictions(&created, &[1, 1]), ["a: is there 2 times"]);
    }

    #[test]
    fn what_was_refused_is_not_there() {
        let refused = [(Operation::Create, Outcome::Failed)];
        assert!(contradictions(&refused, &[]).is_empty());
        assert_eq!(
            contradictions(&refused, &[1]),
            ["a: was refused, and is there"]
        );
    }

    #[test]
    fn what_is_unknown_is_there_once_or_not() {
        let unknown = [(Operation::Create, Outcome::Unknown)];
        assert!(contradictions(&unknown, &[]).is_empty());
        assert!(contradictions(&unknown, &[1]).is_empty());
        assert_eq!(contradictions(&unknown, &[1, 1]), ["a: is there 2 times"]);
    }

    #[test]
    fn the_version_tells_how_often_a_task_was_changed() {
        let changed = [
            (Operation::Create, Outcome::Acknowledged),
            (Operation::Toggle, Outcome::Acknowledged),
            (Operation::Toggle, Outcome::Unknown),
            (Operation::Toggle, Outcome::Failed),
        ];
        assert!(contradictions(&changed, &[2]).is_empty());
        assert!(contradictions(&changed, &[3]).is_empty());
        assert_eq!(
            contradictions(&changed, &[1]),
            ["a: has version 1, not 2 to 3"]
        );
        assert_eq!(
            contradictions(&changed, &[4]),
            ["a: has version 4, not 2 to 3"]
        );
    }

    #[test]
    fn what_was_deleted_is_gone() {
        let mut deleted = vec![
            (Operation::Create, Outcome::Acknowledged),
            (Operation::Delete, Outcome::Unknown),
        ];
        assert!(contradictions(&deleted, &[1]).is_empty());
        assert!(contradictions(&deleted, &[]).is_empty());
        deleted.push((Operation::Delete, Outcome::Acknowledged));
        assert!(contradictions(&deleted, &[]).is_empty());
        assert_eq!(
            contradictions(&deleted, &[1]),
            ["a: was deleted, and is there"]
        );
    }

    #[test]
    fn what_nobody_made_is_not_there() {
        assert_eq!(
            contradictions(&[], &[1]),
            ["a: is stored, and nobody made it"]
        );
    }
}
