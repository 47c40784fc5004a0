//! Text-search functions for SQLite that take linear time, registered on each connection.
//!
//! `LIKE` and `instr` compare the whole pattern at each position of the text. These do not, whatever the texts are.

use std::cell::Cell;

use diesel::{
    QueryResult, SqliteConnection, declare_sql_function,
    sql_types::{Binary, Nullable},
};
use memchr::memmem::Finder;

/// The separator of lines.
const LINE_FEED: u8 = b'\n';

#[declare_sql_function]
extern "SQL" {
    /// Whether a text contains another. The time is linear in the length of both (Two-Way).
    fn todo_contains(text: Nullable<Binary>, sought: Binary) -> Bool;

    /// Whether each line of `sought` is a line of a text.
    fn todo_has_lines(text: Nullable<Binary>, sought: Binary) -> Bool;
}

/// Registers the functions on a connection.
///
/// Texts come as blobs: diesel checks twice that a text is UTF-8, which takes longer than searching it.
pub(super) fn register(connection: &mut SqliteConnection) -> QueryResult<()> {
    // A statement searches many texts for one pattern, which is preprocessed once.
    let last = Cell::new(None::<Finder<'static>>);
    todo_contains_utils::register_impl(
        connection,
        move |text: Option<Vec<u8>>, sought: Vec<u8>| {
            let Some(text) = text else {
                return false;
            };
            let finder = last
                .take()
                .filter(|finder| finder.needle() == sought)
                .unwrap_or_else(|| Finder::new(&sought).into_owned());
            let found = finder.find(&text).is_some();
            last.set(Some(finder));
            found
        },
    )?;
    todo_has_lines_utils::register_impl(connection, |text: Option<Vec<u8>>, sought: Vec<u8>| {
        text.is_some_and(|text| has_lines(&text, &sought))
    })
}

fn has_lines(text: &[u8], sought: &[u8]) -> bool {
    let is_line_feed = |byte: &u8| *byte == LINE_FEED;
    let mut lines: Vec<&[u8]> = text.split(is_line_feed).collect();
    lines.sort_unstable();
    sought
        .split(is_line_feed)
        .all(|line| line.is_empty() || lines.binary_search(&line).is_ok())
}

#[cfg(test)]
mod tests {
    use diesel::{Connection, RunQueryDsl, dsl::select};
    use proptest::prelude::*;

    use super::*;

    fn connection() -> SqliteConnection {
        let mut connection = SqliteConnection::establish(":memory:").unwrap();
        register(&mut connection).unwrap();
        connection
    }

    fn contains(connection: &mut SqliteConnection, text: Option<&str>, sought: &str) -> bool {
        let text = text.map(str::as_bytes);
        select(todo_contains(text, sought.as_bytes()))
            .get_result(connection)
            .unwrap()
    }

    proptest! {
        #[test]
        fn contained_texts_are_found(
            text in "[ab💩]{0,40}",
            sought in proptest::collection::vec("[ab💩]{1,6}", 1..4),
        ) {
            let mut connection = connection();
            for sought in sought {
                prop_assert_eq!(
                    contains(&mut connection, Some(&text), &sought),
                    text.contains(&sought)
                );
            }
        }
    }

    #[test]
    fn null_contains_no_text() {
        assert!(!contains(&mut connection(), None, "a"));
    }

    #[test]
    fn lines_are_compared_completely() {
        let text = b"\nhome\nwork\n";
        assert!(has_lines(text, b"home"));
        assert!(has_lines(text, b"work\nhome\nwork"));
        assert!(!has_lines(text, b"hom"));
        assert!(!has_lines(text, b"home\nworks"));
        assert!(!has_lines(b"", b"home"));
        assert!(has_lines(b"", b""));
    }
}
