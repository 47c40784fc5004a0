//! The feature `serde`: values are written as what they are, and read through their constructors.

use rstest::rstest;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, from_value, json, to_value};
use todo_domain::{
    Description, DisplayName, Due, Email, Priority, Tags, Timestamp, Title, Todo, TodoId, User,
};

const ID: &str = "0192f0c1-2345-7abc-8def-0123456789ab";

fn survives<T: Serialize + DeserializeOwned>(value: &Value) -> bool {
    from_value::<T>(value.clone())
        .and_then(to_value)
        .is_ok_and(|written| written == *value)
}

#[test]
fn a_todo_survives_writing_and_reading() {
    assert!(survives::<Todo>(&json!({
        "id": ID,
        "owner": ID,
        "title": "Buy milk",
        "description": null,
        "completed_at": "2026-12-01T09:30:00.000000Z",
        "priority": "high",
        "due": "2026-12-05",
        "tags": ["home", "work"],
        "created_at": "2026-12-01T09:30:00.000001Z",
        "updated_at": "2026-12-01T09:30:00.000002Z",
        "version": 2,
    })));
}

#[test]
fn a_user_survives_writing_and_reading() {
    assert!(survives::<User>(&json!({
        "id": ID,
        "email": "ada@example.com",
        "email_verified": true,
        "name": "Ada",
        "settings": {"time_zone": "Europe/Berlin"},
        "created_at": "2026-12-01T09:30:00.000000Z",
        "updated_at": "2026-12-01T09:30:00.000000Z",
    })));
}

#[rstest]
#[case::title(refuses::<Title>(json!("  ")))]
#[case::description(refuses::<Description>(json!("a\u{0}")))]
#[case::name(refuses::<DisplayName>(json!("")))]
#[case::email(refuses::<Email>(json!("ada")))]
#[case::id(refuses::<TodoId>(json!("42")))]
#[case::due(refuses::<Due>(json!("2026-02-30")))]
#[case::priority(refuses::<Priority>(json!("urgent")))]
#[case::tags(refuses::<Tags>(json!([" "])))]
#[case::timestamp(refuses::<Timestamp>(json!("tomorrow")))]
fn what_breaks_a_rule_is_not_read(#[case] refused: bool) {
    assert!(refused);
}

fn refuses<T: for<'de> Deserialize<'de>>(value: Value) -> bool {
    from_value::<T>(value).is_err()
}
