//! The faults, one file each.

mod clock;
mod crowd;
mod ended_server;
mod frozen_database;
mod full_disk;
mod killed_server;
mod logout;
mod lost_primary;
mod migrations;
mod network;
mod restarted_database;
mod slow_clients;
mod soak;
mod terminated_connections;

use crate::trial::Fault;

/// All of them, in the order in which they happen.
pub(crate) const ALL: [&Fault; 15] = [
    &killed_server::FAULT,
    &terminated_connections::FAULT,
    &frozen_database::FAULT,
    &lost_primary::VANISHED,
    &lost_primary::FROZEN,
    &restarted_database::FAULT,
    &network::FAULT,
    &logout::FAULT,
    &clock::FAULT,
    &ended_server::FAULT,
    &migrations::FAULT,
    &full_disk::FAULT,
    &crowd::FAULT,
    &slow_clients::FAULT,
    &soak::FAULT,
];
