//! What cannot be imported is named, and nothing of it remains.

use rstest::rstest;
use serde_json::{Value, json};
use todo_testkit::Kind::{self, Postgres, Sqlite};

use crate::{
    lines::{end, file, header, id, much, task, user},
    place::Place,
};

#[rstest]
#[case::not_json(3, "{", "line 4 cannot be used: it is not a JSON object")]
#[case::a_blank_line(3, "", "line 4 cannot be used: it is not a JSON object")]
#[case::another_version(
    0,
    r#"{"format":"todo-export","version":3}"#,
    "line 1 cannot be used: version is 3, which a newer todo-server wrote"
)]
#[case::another_format(
    0,
    r#"{"format":"csv","version":2}"#,
    "line 1 cannot be used: format must be todo-export"
)]
#[case::another_header(
    0,
    r#"{"format":"todo-export","version":2,"by":"me"}"#,
    "line 1 cannot be used: by is not known here"
)]
#[case::another_type(
    3,
    r#"{"type":"session"}"#,
    "line 4 cannot be used: type must be user, task or end"
)]
#[case::wrong_counts(
    102,
    r#"{"type":"end","users":1,"tasks":9}"#,
    "line 103 cannot be used: tasks is 9, but there are 100 before it"
)]
#[case::an_early_end(
    3,
    r#"{"type":"end","users":1,"tasks":1}"#,
    "line 5 cannot be used: nothing may follow the line of type end"
)]
fn a_line_that_cannot_be_used_is_named(
    #[case] index: usize,
    #[case] line: &str,
    #[case] said: &str,
    #[values(Sqlite, Postgres)] kind: Kind,
) {
    let Some(place) = Place::new(kind) else {
        return;
    };
    let mut lines = vec![header().to_string(), user(1, "ada@example.com").to_string()];
    lines.extend((1_000..1_100).map(|number| task(number, 1).to_string()));
    lines.push(end(1, 100).to_string());
    lines[index] = line.to_owned();
    let message = place.refused(&(lines.join("\n") + "\n"));
    assert!(message.contains(said), "{message}");
}

#[rstest]
#[case::no_id("id", json!("42"), "id must be a UUID")]
#[case::nul("title", json!("a\u{0}b"), "title must not contain the control character U+0000 (NUL)")]
#[case::no_text("title", json!(null), "title must be a text")]
#[case::no_text_nor_null("description", json!(7), "description must be a text or null")]
#[case::no_instant("created_at", json!("tomorrow"), "created_at must be a date and time")]
#[case::no_priority("priority", json!("urgent"), "priority must be low, medium or high")]
#[case::no_due_date("due_date", json!("2026-02-30"), "due_date must be a valid date")]
#[case::no_tags("tags", json!("home"), "tags must be a list of texts")]
#[case::an_empty_tag("tags", json!([" "]), "tags must not be empty")]
#[case::no_version("version", json!(-1), "version must be a whole number")]
#[case::unknown("colour", json!("red"), "colour is not known here")]
#[case::of_nobody("user_id", json!(id(7)), "the task is not of the user before it (user_id)")]
fn a_field_that_cannot_be_used_is_named(
    #[case] field: &str,
    #[case] value: Value,
    #[case] said: &str,
) {
    let place = Place::new(Sqlite).unwrap();
    let mut lines = much();
    lines[600][field] = value;
    let message = place.refused(&file(&lines));
    assert!(
        message.contains(&format!("line 601 cannot be used: {said}")),
        "{message}"
    );
}

#[rstest]
#[case::a_line_break_in_a_name(1, "name", json!("Ada\r\nBcc: b@c.de"), "name must not contain the control character")]
#[case::a_line_break_in_an_address(1, "email", json!("a@example.com\r\nBcc:b@c.de"), "email must not contain")]
#[case::no_address(1, "email", json!("ada"), "email must be an e-mail address")]
#[case::a_costly_hash(
    1,
    "password_hash",
    json!("$argon2id$v=19$m=2097152,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI"),
    "password_hash takes 2097152 KiB of memory to verify; at most 262144 are allowed"
)]
#[case::a_long_title(600, "title", json!("x".repeat(3_000_000)), "title must")]
#[case::a_long_description(600, "description", json!("x".repeat(2_001)), "description must")]
fn a_text_that_no_request_could_write_is_refused(
    #[case] index: usize,
    #[case] field: &str,
    #[case] value: Value,
    #[case] said: &str,
) {
    let place = Place::new(Sqlite).unwrap();
    let mut lines = much();
    lines[index][field] = value;
    let message = place.refused(&file(&lines));
    let line = index + 1;
    assert!(
        message.contains(&format!("line {line} cannot be used: {said}")),
        "{message}"
    );
}

#[rstest]
fn addresses_are_folded_and_those_that_collide_are_named(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(place) = Place::new(kind) else {
        return;
    };
    let lines = [
        header(),
        user(1, " Ada@Example.COM"),
        user(2, "ADA@example.com"),
        end(2, 0),
    ];
    let message = place.refused(&file(&lines));
    assert!(message.contains("line 3 cannot be used"), "{message}");
    assert!(
        message.contains("a user with this e-mail address exists already"),
        "{message}"
    );
    let alone = [header(), user(1, " Ada@Example.COM"), end(1, 0)];
    assert!(place.import(&file(&alone)).status.success());
    assert!(place.exported(&[]).contains(r#""email":"ada@example.com""#));
}

#[test]
fn a_file_of_the_version_before_is_imported() {
    let place = Place::new(Sqlite).unwrap();
    let mut first = header();
    first["version"] = json!(1);
    let mut ada = user(1, "ada@example.com");
    ada.as_object_mut().unwrap().remove("disabled_at");
    assert!(
        place
            .import(&file(&[first, ada, end(1, 0)]))
            .status
            .success()
    );
    assert!(place.exported(&[]).contains(r#""disabled_at":null"#));
}

#[test]
fn a_field_that_is_missing_or_there_twice_is_named() {
    let place = Place::new(Sqlite).unwrap();
    let mut lines = much();
    lines[600].as_object_mut().unwrap().remove("tags");
    let message = place.refused(&file(&lines));
    assert!(
        message.contains("line 601 cannot be used: tags is missing"),
        "{message}"
    );
    let twice = file(&much()).replacen(r#""version":"#, r#""version":1,"version":"#, 1);
    let message = place.refused(&twice);
    assert!(
        message.contains("line 1 cannot be used: version is there more than once"),
        "{message}"
    );
}

#[rstest]
#[case::nothing("", "it ends after line 0 without its last line, so it is not whole")]
#[case::the_last_line(
    "{\"type\":\"end\"",
    "it ends after line 804 without its last line, so it is not whole"
)]
#[case::within_a_line(
    "\"tags\":",
    "cannot be used: it is not a JSON object: EOF while parsing"
)]
fn a_file_that_was_cut_off_is_noticed(
    #[case] cut_at: &str,
    #[case] said: &str,
    #[values(Sqlite, Postgres)] kind: Kind,
) {
    let Some(place) = Place::new(kind) else {
        return;
    };
    let source = Place::new(Sqlite).unwrap();
    source.import(&file(&much()));
    let whole = source.exported(&[]);
    let cut = &whole[..whole
        .rfind(cut_at)
        .filter(|_| !cut_at.is_empty())
        .unwrap_or(0)];
    let message = place.refused(cut);
    assert!(message.contains(said), "{message}");
}

#[rstest]
fn what_is_there_already_is_refused(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(place) = Place::new(kind) else {
        return;
    };
    assert!(place.import(&file(&much())).status.success());
    let again = |lines: &[Value]| {
        let mut all = vec![header(), user(8, "alan@example.com"), task(8_000, 8)];
        all.extend_from_slice(lines);
        place.refused(&file(&all))
    };
    let message = again(&[user(9, "ada@example.com"), end(2, 1)]);
    assert!(message.contains("line 4 cannot be used"), "{message}");
    assert!(
        message.contains("a user with this e-mail address exists already"),
        "{message}"
    );
    let message = again(&[user(1, "kay@example.com"), end(2, 1)]);
    assert!(message.contains("line 4 cannot be used"), "{message}");
    assert!(
        message.contains("a user with this id exists already"),
        "{message}"
    );
    let message = again(&[task(8_001, 8), task(8_000, 8), end(1, 3)]);
    assert!(message.contains("line 5 cannot be used"), "{message}");
    assert!(
        message.contains("a task with this id exists already"),
        "{message}"
    );
}
