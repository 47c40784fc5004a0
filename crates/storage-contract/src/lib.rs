#![doc = include_str!("../README.md")]
#![expect(
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::unwrap_used,
    reason = "this crate is part of tests, which fail by panicking"
)]

#[doc(hidden)]
pub mod clauses;
pub mod fixture;
mod list;
mod storage;

pub use fixture::TestStorage;
#[doc(hidden)]
pub use todo_domain as domain;
use todo_domain::Quotas;

pub use storage::Storage;

/// A kind of storage that the contract is run on.
///
/// A value of it owns one storage, which it removes when it is dropped.
pub trait Backend: Sized + Sync {
    /// The adapter under test.
    type Storage: Storage + 'static;

    /// Creates an empty storage; `None` if tests on this backend are to be skipped.
    fn empty() -> Option<Self>;

    /// Connects another instance of the adapter, with these quotas for each user, to the storage.
    ///
    /// Several instances run at the same time, on several threads, as those of several processes would.
    fn connect(&self, quotas: Quotas) -> Self::Storage;
}

/// Runs a clause on an empty storage of a backend.
pub fn run<B: Backend>(clause: impl FnOnce(&TestStorage<'_>)) {
    if let Some(backend) = B::empty() {
        clause(&TestStorage::new(&backend));
    }
}
