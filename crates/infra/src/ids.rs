//! Random identifiers.

use todo_domain::{EventId, SessionId, TodoId, TokenId, UserId, ports::IdGenerator};
use uuid::Uuid;

/// Generates UUIDs (RFC 9562): version 7, which sort by time, for stored entities, and version 4, which reveal nothing, for
/// sessions.
#[derive(Debug, Clone, Copy, Default)]
pub struct RandomIds;

#[expect(clippy::disallowed_methods, reason = "this is the id port's adapter")]
impl IdGenerator for RandomIds {
    fn user(&self) -> UserId {
        UserId::from_uuid(Uuid::now_v7())
    }

    fn todo(&self) -> TodoId {
        TodoId::from_uuid(Uuid::now_v7())
    }

    fn token(&self) -> TokenId {
        TokenId::from_uuid(Uuid::now_v7())
    }

    fn event(&self) -> EventId {
        EventId::from_uuid(Uuid::now_v7())
    }

    fn session(&self) -> SessionId {
        SessionId::from_uuid(Uuid::new_v4())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_todo_ids_sort_after_earlier_ones() {
        let ids: Vec<TodoId> = (0..1_000).map(|_| RandomIds.todo()).collect();
        assert!(ids.is_sorted_by(|a, b| a < b));
    }
}
