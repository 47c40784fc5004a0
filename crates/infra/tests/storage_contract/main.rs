//! What the ports of the domain promise, clause by clause, on SQLite and on PostgreSQL alike.

mod concurrency;
mod migrations;
mod sessions;
mod storage;
mod todos;
mod users;
