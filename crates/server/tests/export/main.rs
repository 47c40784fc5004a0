//! `todo-server export` and `todo-server import`, as whoever runs them sees them.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "tests fail by panicking, their helpers too"
)]

mod lines;
mod moving;
mod place;
mod refusing;
