//! Searching texts and tags, in time that is linear in the length of the texts.
//!
//! `LIKE`, and `strpos` of PostgreSQL, compare the pattern with the text again at each position: a search for 254
//! equal characters and another one took minutes in texts of such characters.

use diesel::{
    BoxableExpression,
    dsl::sql,
    sql_types::{Binary, Bool, Text},
};
use todo_domain::{SearchText, Tag};

use super::rows::SEPARATOR;
use crate::database::{DatabaseKind, MultiBackend, schema::tasks};

/// A condition on a todo.
pub(super) type Condition = Box<dyn BoxableExpression<tasks::table, MultiBackend, SqlType = Bool>>;

/// Whether the title or the description contains a text, whatever its case.
///
/// Both databases compare bytes: UTF-8 contains a text exactly where its bytes contain those of the text. `position` of
/// bytes in PostgreSQL compares with `memcmp`, which takes a few nanoseconds for a whole pattern.
pub(super) fn contains(text: &SearchText, kind: DatabaseKind) -> Condition {
    let folded = text.folded().into_bytes();
    macro_rules! either {
        ($before:literal, $between:literal, $after:literal) => {
            Box::new(
                sql::<Bool>($before)
                    .bind::<Binary, _>(folded.clone())
                    .sql($between)
                    .bind::<Binary, _>(folded)
                    .sql($after),
            )
        };
    }
    match kind {
        DatabaseKind::Sqlite => either!(
            "(todo_contains(CAST(tasks.title_folded AS BLOB), ",
            ") OR todo_contains(CAST(tasks.description_folded AS BLOB), ",
            "))"
        ),
        DatabaseKind::Postgres => either!(
            "(position(",
            " IN textsend(tasks.title_folded)) > 0 OR position(",
            " IN textsend(tasks.description_folded)) > 0)"
        ),
    }
}

/// Whether a todo has all of these tags.
pub(super) fn has_tags(tags: &[Tag], kind: DatabaseKind) -> Condition {
    let tags: Vec<&str> = tags.iter().map(Tag::as_str).collect();
    let lines = tags.join(SEPARATOR);
    match kind {
        DatabaseKind::Sqlite => Box::new(
            sql::<Bool>("todo_has_lines(CAST(tasks.tags AS BLOB), ")
                .bind::<Binary, _>(lines.into_bytes())
                .sql(")"),
        ),
        DatabaseKind::Postgres => Box::new(
            sql::<Bool>("string_to_array(tasks.tags, chr(10)) @> string_to_array(")
                .bind::<Text, _>(lines)
                .sql(", chr(10))"),
        ),
    }
}
