//! How many expensive requests of one user are in flight.
//!
//! A search or an export reads all that a user has. Each instance counts them in memory, since what is protected are
//! its own threads.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Arc, Mutex, PoisonError},
};

use todo_domain::UserId;

/// The largest number of searches and exports of one user at the same time.
pub const MAX_PER_USER: u32 = 2;

/// The user has [`MAX_PER_USER`] searches and exports in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the user has {MAX_PER_USER} searches and exports in flight")]
pub struct TooManyInFlight;

type Counts = Arc<Mutex<HashMap<UserId, u32>>>;

/// The expensive requests that are in flight, by their users.
#[derive(Debug, Default)]
pub struct InFlight(Counts);

impl InFlight {
    /// Counts a request of a user as in flight until the slot is dropped.
    ///
    /// # Errors
    /// [`TooManyInFlight`]; then it is not counted.
    pub fn begin(&self, user: UserId) -> Result<Slot, TooManyInFlight> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(user).or_default();
        if *count >= MAX_PER_USER {
            return Err(TooManyInFlight);
        }
        *count += 1;
        drop(counts);
        Ok(Slot {
            counts: Arc::clone(&self.0),
            user,
        })
    }
}

/// A request that is in flight until this is dropped. The work holds it, and not the connection: a client that
/// disconnects frees it when the work has ended.
#[derive(Debug)]
pub struct Slot {
    counts: Counts,
    user: UserId,
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Entry::Occupied(mut count) = counts.entry(self.user) {
            *count.get_mut() = count.get().saturating_sub(1);
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_user_has_so_many_at_a_time_and_none_is_remembered_afterwards() {
        let in_flight = InFlight::default();
        let ada = "0192f0c1-2345-7abc-8def-0123456789ab".parse().unwrap();
        let grace = "0192f0c1-2345-7abc-8def-0123456789ac".parse().unwrap();
        let slots: Vec<_> = (0..MAX_PER_USER).map(|_| in_flight.begin(ada)).collect();
        assert!(slots.iter().all(Result::is_ok));
        assert_eq!(in_flight.begin(ada).unwrap_err(), TooManyInFlight);
        assert!(in_flight.begin(grace).is_ok());
        drop(slots);
        assert!(in_flight.begin(ada).is_ok());
        assert!(in_flight.0.lock().unwrap().is_empty());
    }
}
