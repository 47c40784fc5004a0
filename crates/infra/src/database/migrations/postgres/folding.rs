//! The function `todo_fold`, which takes the differences of case out of a text as `fold_case` does.

use diesel::{
    PgConnection, QueryResult, QueryableByName, RunQueryDsl, sql_query,
    sql_types::{Array, Text},
};
use todo_domain::fold_case;

/// No character behind this one has a case.
const LAST_WITH_CASE: char = '\u{1ffff}';

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    name: String,
}

/// The statement that makes the function.
///
/// The server's own mapping by ICU does nearly all of the work; where the server has no ICU, its mapping of ASCII does
/// what it can. Which characters it maps in another way than `fold_case` depends on its version, so it is asked, and
/// those are mapped beforehand. (A character that only a server newer than this program maps cannot be found so. And
/// without ICU, the function is slow for long texts in other scripts than Latin.)
pub(super) fn function(connection: &mut PgConnection) -> QueryResult<String> {
    let collation = collation(connection)?;
    function_by(connection, &collation)
}

fn function_by(connection: &mut PgConnection, collation: &str) -> QueryResult<String> {
    let different = different(connection, collation)?;
    let folded = lower_of_upper(&mapped_beforehand("value", &different), collation);
    Ok(format!(
        "CREATE OR REPLACE FUNCTION todo_fold(value text) RETURNS text\n\
         LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $fold$ SELECT {folded} $fold$;\n"
    ))
}

/// The server's own mapping. Only of the final sigma does its lower case depend on the characters around it.
fn lower_of_upper(value: &str, collation: &str) -> String {
    format!("replace(lower(upper({value} COLLATE {collation}) COLLATE {collation}), 'ς', 'σ')")
}

/// The collation whose mapping is asked for, which is that of no language.
fn collation(connection: &mut PgConnection) -> QueryResult<String> {
    let icu: Vec<Name> = sql_query(
        "SELECT collname::text AS name FROM pg_collation WHERE collname = 'und-x-icu' \
         AND collencoding IN (-1, pg_char_to_encoding(getdatabaseencoding()))",
    )
    .load(connection)?;
    let name = icu.first().map_or("C", |icu| &icu.name);
    Ok(format!("\"{name}\""))
}

/// The characters that `fold_case` maps and the server does not map to the same.
fn different(connection: &mut PgConnection, collation: &str) -> QueryResult<Vec<String>> {
    let (mapped, folded): (Vec<_>, Vec<_>) = ('\u{1}'..=LAST_WITH_CASE)
        .map(|character| {
            let character = character.to_string();
            let folded = fold_case(&character);
            (character, folded)
        })
        .filter(|(character, folded)| character != folded)
        .unzip();
    let rows: Vec<Name> = sql_query(format!(
        "SELECT name FROM unnest($1, $2) AS characters (name, folded) \
         WHERE {} COLLATE \"C\" <> folded COLLATE \"C\" ORDER BY name COLLATE \"C\"",
        lower_of_upper("name", collation)
    ))
    .bind::<Array<Text>, _>(mapped)
    .bind::<Array<Text>, _>(folded)
    .load(connection)?;
    Ok(rows.into_iter().map(|row| row.name).collect())
}

/// An expression that maps `characters` in `value` as `fold_case` does.
fn mapped_beforehand(value: &str, characters: &[String]) -> String {
    let (mut from, mut to) = (String::new(), String::new());
    let mut expression = value.to_owned();
    for character in characters {
        let folded = fold_case(character);
        if folded.chars().count() == 1 {
            from.push_str(character);
            to.push_str(&folded);
        } else {
            expression = format!("replace({expression}, '{character}', '{folded}')");
        }
    }
    if from.is_empty() {
        expression
    } else {
        format!("translate({expression}, '{from}', '{to}')")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use rstest::rstest;
    use todo_testkit::{Kind::Postgres, TestDatabase};

    use super::*;
    use crate::{Database, DatabaseUrl, PoolSettings, database::AnyConnection};

    const ICU: &str = "\"und-x-icu\"";
    const WITHOUT_ICU: &str = "\"C\"";

    /// A database with the function; `None` when tests on PostgreSQL are to be skipped.
    fn with_function(collation: &str) -> Option<TestDatabase> {
        let behind = TestDatabase::new(Postgres)?;
        let url: DatabaseUrl = behind.url().parse().unwrap();
        let settings = PoolSettings::for_kind(url.kind());
        let sql = Database::new(url, &settings)
            .read(|connection| match connection {
                AnyConnection::Postgres(connection) => function_by(connection, collation),
                AnyConnection::Sqlite(_) => panic!("it is PostgreSQL"),
            })
            .unwrap();
        behind.execute(&sql);
        Some(behind)
    }

    #[rstest]
    #[case(ICU, char::MAX)]
    // This one is slow, and a character that it does not know it leaves as it is.
    #[case(WITHOUT_ICU, LAST_WITH_CASE)]
    fn the_server_folds_every_character_as_the_domain_does(
        #[case] collation: &str,
        #[case] last: char,
    ) {
        let Some(behind) = with_function(collation) else {
            return;
        };
        let rows = behind.values(&format!(
            "SELECT i || ' ' || folded AS value \
             FROM generate_series(1, {}) AS i, \
             LATERAL (SELECT CASE WHEN i NOT BETWEEN 55296 AND 57343 THEN chr(i) END AS it) AS a, \
             LATERAL (SELECT todo_fold(it) AS folded) AS b \
             WHERE folded COLLATE \"C\" <> it COLLATE \"C\"",
            u32::from(last)
        ));
        let on_server: BTreeMap<u32, String> = rows
            .iter()
            .map(|row| row.as_deref().unwrap().split_once(' ').unwrap())
            .map(|(number, folded)| (number.parse().unwrap(), folded.to_owned()))
            .collect();
        let in_domain: BTreeMap<u32, String> = ('\u{1}'..=char::MAX)
            .map(|character| (character, fold_case(&character.to_string())))
            .filter(|(character, folded)| *folded != character.to_string())
            .map(|(character, folded)| (character.into(), folded))
            .collect();
        assert_eq!(on_server, in_domain);
    }

    #[rstest]
    fn the_server_folds_texts_as_the_domain_does(#[values(ICU, WITHOUT_ICU)] collation: &str) {
        let Some(behind) = with_function(collation) else {
            return;
        };
        for text in [
            "",
            "Straße STRASSE ẞ",
            "ΟΔΟΣ οδος ΑΣ. Σ",
            "İIıi I\u{307} i\u{307}",
            "ŉ ǰ ΐ ΰ և ﬀ ﬃ ﬗ",
            "ᾳ ᾼ ῷ Ω Å K",
            "e\u{301} É \u{345}",
            "Ǆ ǅ ǆ",
            "Ünïcödé 👩‍👩‍👧 %_\\",
            "Ⴀ ა Ა Ꭰ ꭰ",
        ] {
            let folded = behind.values(&format!("SELECT todo_fold('{text}') AS value"));
            assert_eq!(folded, [Some(fold_case(text))]);
        }
        assert_eq!(behind.values("SELECT todo_fold(NULL) AS value"), [None]);
    }

    #[test]
    fn characters_that_the_server_folds_differently_are_replaced_first() {
        assert_eq!(mapped_beforehand("value", &[]), "value");
        let characters = ["Ä", "Ö", "ß"].map(str::to_owned);
        assert_eq!(
            mapped_beforehand("value", &characters),
            "translate(replace(value, 'ß', 'ss'), 'ÄÖ', 'äö')"
        );
    }
}
