//! Cursors: where the next page of a list starts, as an opaque text that is bound to its list.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use todo_domain::{Position, SortKey, SortValue, Timestamp, TodoId, TodoOrder};
use twox_hash::XxHash3_64;
use uuid::Uuid;

/// What a list is of: a cursor of one list is of no use in another. It is the same for every build, so that a client can
/// go on with a list after an upgrade, and on another instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListIdentity(u64);

impl ListIdentity {
    /// The identity of the list that these parameters describe, in whichever order they were given.
    pub fn of(parameters: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut parameters: Vec<_> = parameters.into_iter().collect();
        parameters.sort_unstable();
        let mut bytes = Vec::new();
        for part in parameters.iter().flat_map(|(name, value)| [name, value]) {
            bytes.extend_from_slice(part.as_bytes());
            bytes.push(NOT_IN_TEXT);
        }
        Self(XxHash3_64::oneshot(&bytes))
    }
}

/// No text in UTF-8 has this byte, so it can stand between two.
const NOT_IN_TEXT: u8 = 0xff;

/// Why a text is no cursor of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCursor {
    /// It is no cursor.
    #[error("is invalid; request the first page without a cursor")]
    Unreadable,
    /// It is a cursor of a list with other filters or another order.
    #[error(
        "belongs to a list with other filters or another order; request the first page without a cursor"
    )]
    OfAnotherList,
}

const ID_LENGTH: usize = 16;

/// Writes where the next page starts: the list, the id, and what the list is ordered by.
#[must_use]
pub fn write(list: ListIdentity, position: &Position) -> String {
    let mut bytes = list.0.to_be_bytes().to_vec();
    bytes.extend_from_slice(position.id.as_uuid().as_bytes());
    match &position.value {
        SortValue::Instant(instant) => {
            bytes.extend_from_slice(&instant.as_microseconds().to_be_bytes());
        }
        SortValue::Priority(priority) => bytes.extend_from_slice(&priority.to_be_bytes()),
        SortValue::Text(text) => bytes.extend_from_slice(text.as_bytes()),
    }
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Reads where a page of the list starts.
///
/// # Errors
/// [`InvalidCursor`].
pub fn read(cursor: &str, list: ListIdentity, order: TodoOrder) -> Result<Position, InvalidCursor> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok();
    let bytes = bytes.ok_or(InvalidCursor::Unreadable)?;
    let (identity, rest) = bytes.split_first_chunk().ok_or(InvalidCursor::Unreadable)?;
    let (id, value) = rest
        .split_first_chunk::<ID_LENGTH>()
        .ok_or(InvalidCursor::Unreadable)?;
    if u64::from_be_bytes(*identity) != list.0 {
        return Err(InvalidCursor::OfAnotherList);
    }
    Ok(Position {
        value: read_value(value, order.key).ok_or(InvalidCursor::Unreadable)?,
        id: TodoId::from_uuid(Uuid::from_bytes(*id)),
    })
}

fn read_value(bytes: &[u8], key: SortKey) -> Option<SortValue> {
    match key {
        SortKey::CreatedAt | SortKey::UpdatedAt | SortKey::Due => {
            let microseconds = i64::from_be_bytes(bytes.try_into().ok()?);
            let instant = Timestamp::from_microseconds(microseconds).ok()?;
            Some(SortValue::Instant(instant))
        }
        SortKey::Priority => {
            let priority = i16::from_be_bytes(bytes.try_into().ok()?);
            Some(SortValue::Priority(priority))
        }
        SortKey::Title => {
            let text = std::str::from_utf8(bytes).ok()?;
            // No database takes it, and no title has it.
            (!text.contains('\0')).then(|| SortValue::Text(text.to_owned()))
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use todo_domain::Direction;

    use super::*;
    use todo_domain::fuzzing::bent;

    fn list(parameters: &[(&str, &str)]) -> ListIdentity {
        let parameters = parameters.iter();
        ListIdentity::of(parameters.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
    }

    fn order(key: SortKey) -> TodoOrder {
        TodoOrder {
            key,
            direction: Direction::Ascending,
        }
    }

    #[rstest]
    #[case(SortKey::CreatedAt, SortValue::Instant(Timestamp::MAX))]
    #[case(SortKey::Priority, SortValue::Priority(2))]
    #[case(SortKey::Title, SortValue::Text("straße".to_owned()))]
    #[case(SortKey::Title, SortValue::Text(String::new()))]
    fn what_is_written_is_read_back(#[case] key: SortKey, #[case] value: SortValue) {
        let list = list(&[("status", "pending")]);
        let id = TodoId::from_uuid(Uuid::from_u128(7));
        let position = Position { value, id };
        let cursor = write(list, &position);
        assert_eq!(read(&cursor, list, order(key)), Ok(position));
    }

    #[test]
    fn a_list_is_told_from_another_by_its_parameters_in_any_order() {
        assert_eq!(
            list(&[("a", "1"), ("b", "2")]),
            list(&[("b", "2"), ("a", "1")])
        );
        assert_ne!(list(&[("a", "1")]), list(&[("a", "2")]));
        assert_ne!(list(&[("a", "b")]), list(&[("ab", "")]));
    }

    #[test]
    fn the_identity_of_a_list_is_by_the_specification() {
        // The XXH3-64 of nothing, without a seed.
        assert_eq!(list(&[]).0, 0x2d06_8005_38d3_94c2);
    }

    #[rstest]
    #[case("")]
    #[case("not base64!")]
    #[case("AAAA")]
    #[case("=")]
    fn what_is_no_cursor_is_refused(#[case] text: &str) {
        let result = read(text, list(&[]), TodoOrder::default());
        assert_eq!(result, Err(InvalidCursor::Unreadable));
    }

    #[test]
    fn a_cursor_of_another_list_is_refused() {
        let id = TodoId::from_uuid(Uuid::from_u128(7));
        let value = SortValue::Instant(Timestamp::MAX);
        let cursor = write(list(&[("tag", "home")]), &Position { value, id });
        let result = read(&cursor, list(&[("tag", "work")]), TodoOrder::default());
        assert_eq!(result, Err(InvalidCursor::OfAnotherList));
    }

    #[test]
    fn a_cursor_whose_value_is_damaged_is_refused() {
        let id = TodoId::from_uuid(Uuid::from_u128(7));
        let value = SortValue::Text("a\0b".to_owned());
        let cursor = write(list(&[]), &Position { value, id });
        for key in [SortKey::CreatedAt, SortKey::Priority, SortKey::Title] {
            let result = read(&cursor, list(&[]), order(key));
            assert_eq!(result, Err(InvalidCursor::Unreadable), "{key:?}");
        }
    }

    /// A fuzz target: what a client makes up never panics, and a cursor that is read is the one that is written.
    #[test]
    fn whatever_is_accepted_is_written_and_read_back() {
        let list = list(&[("status", "pending")]);
        let keys = [SortKey::CreatedAt, SortKey::Priority, SortKey::Title];
        bolero::check!()
            .with_type::<(u8, u128, Vec<u8>, Vec<(u8, char)>)>()
            .for_each(|(index, id, value, edits)| {
                let key = keys[usize::from(*index) % keys.len()];
                let mut bytes = list.0.to_be_bytes().to_vec();
                bytes.extend(id.to_be_bytes());
                bytes.extend(value);
                let right = URL_SAFE_NO_PAD.encode(bytes);
                for text in [bent(&right, edits), right] {
                    if let Ok(position) = read(&text, list, order(key)) {
                        let written = write(list, &position);
                        assert_eq!(read(&written, list, order(key)), Ok(position), "{text:?}");
                    }
                }
            });
    }
}
