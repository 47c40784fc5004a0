//! What is moved arrives as it was.

use std::fs;

use todo_testkit::Kind::{Postgres, Sqlite};

use crate::{
    lines::{end, file, much, values},
    place::{Place, text},
};

#[test]
fn from_one_kind_of_database_to_the_other_and_back_nothing_changes() {
    let (Some(first), Some(second), Some(third)) =
        (Place::new(Sqlite), Place::new(Postgres), Place::new(Sqlite))
    else {
        return;
    };
    let imported = first.import(&file(&much()));
    assert_eq!(
        text(&imported.stderr).lines().last(),
        Some("Imported 3 users and 800 tasks")
    );
    let exported = first.exported(&[]);
    assert_eq!(values(&exported), much());
    for next in [&second, &third] {
        let imported = next.import(&exported);
        assert!(imported.status.success(), "{}", text(&imported.stderr));
        assert!(next.exported(&[]) == exported);
    }
}

#[test]
fn a_file_is_written_whole_and_for_its_owner_alone() {
    let place = Place::new(Sqlite).unwrap();
    place.import(&file(&much()));
    fs::write(place.path("all.jsonl"), "an earlier one").unwrap();
    let output = place.run(&["export", "all.jsonl"]);
    assert_eq!(
        text(&output.stderr).lines().last(),
        Some("Exported 3 users and 800 tasks")
    );
    assert_eq!(text(&output.stdout), "");
    assert_eq!(
        fs::read_to_string(place.path("all.jsonl")).unwrap(),
        place.exported(&[])
    );
    let names: Vec<_> = fs::read_dir(place.folder.path()).unwrap().collect();
    assert_eq!(names.len(), 1, "{names:?}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(place.path("all.jsonl"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let other = Place::new(Sqlite).unwrap();
    let from = place.path("all.jsonl");
    assert!(
        other
            .run(&["import", from.to_str().unwrap()])
            .status
            .success()
    );
    assert!(other.exported(&[]) == place.exported(&[]));
}

#[test]
fn one_user_is_exported_without_the_others() {
    let place = Place::new(Sqlite).unwrap();
    place.import(&file(&much()));
    let lines = values(&place.exported(&["--user", "Grace@Example.com"]));
    assert_eq!(lines.len(), 103);
    assert_eq!(lines[1]["email"], "grace@example.com");
    assert_eq!(lines[102], end(1, 100));

    let output = place.run(&["export", "--user", "nobody@example.com", "none.jsonl"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("there is no user with this e-mail address"));
    assert!(!place.path("none.jsonl").exists());
}

#[test]
fn a_database_that_is_not_there_is_not_made_by_an_export() {
    let place = Place::new(Sqlite).unwrap();
    let output = place.run(&["export", "-"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("there is no database"));
    let output = place.run(&["import", "nowhere.jsonl"]);
    assert!(text(&output.stderr).contains("nowhere.jsonl cannot be read"));
}

#[cfg(unix)]
#[test]
fn a_link_of_another_user_is_not_followed() {
    use std::os::unix::fs::{lchown, symlink};
    const NOBODY: u32 = 65_534;
    let place = Place::new(Sqlite).unwrap();
    place.import(&file(&much()));
    fs::write(place.path("precious"), "precious").unwrap();
    symlink(place.path("precious"), place.path("link")).unwrap();
    // Only root can give it away.
    if lchown(place.path("link"), Some(NOBODY), None).is_ok() {
        let output = place.run(&["export", "link"]);
        assert_eq!(output.status.code(), Some(1));
        let message = text(&output.stderr);
        assert!(message.contains("is a link of another user"), "{message}");
        assert_eq!(
            fs::read_to_string(place.path("precious")).unwrap(),
            "precious"
        );
        lchown(place.path("link"), Some(0), None).unwrap();
    }
    assert!(place.run(&["export", "link"]).status.success());
    assert!(fs::read_to_string(place.path("precious")).unwrap() == place.exported(&[]));
}

#[cfg(target_os = "linux")]
#[test]
fn an_export_that_cannot_be_written_is_said_not_to_be() {
    let place = Place::new(Sqlite).unwrap();
    place.import(&file(&much()));
    for path in ["no/such/folder.jsonl", "/dev/full"] {
        let output = place.run(&["export", path]);
        assert_eq!(output.status.code(), Some(1), "{path}");
        let message = text(&output.stderr);
        assert!(
            message.contains("the export cannot be written"),
            "{message}"
        );
    }
}
