//! What documents say of the code: the direction of dependencies, as ARCHITECTURE.md has it (api → application → domain ←
//! infra, and server knows all), and the tests that ASVS.md names.

#![expect(
    clippy::unwrap_used,
    reason = "tests fail by panicking, their helpers too"
)]

use std::{fs, path::Path, process::Command};

/// Every crate that a package is built with, its own dependencies' included; tests and build scripts do not count.
fn dependencies(package: &str) -> Vec<String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--package", package])
        .args(["--edges", "normal", "--prefix", "none", "--format", "{lib}"])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let crates = String::from_utf8(output.stdout).unwrap();
    crates
        .lines()
        .skip(1)
        // A crate that was listed before, with what it depends on.
        .map(|line| line.trim_end_matches(" (*)").to_owned())
        .collect()
}

fn of_the_workspace(package: &str) -> Vec<String> {
    let mut crates = dependencies(package);
    crates.retain(|name| name.starts_with("todo_"));
    crates.sort();
    crates.dedup();
    crates
}

#[test]
fn dependencies_point_inward() {
    assert_eq!(of_the_workspace("todo-domain"), [""; 0]);
    assert_eq!(of_the_workspace("todo-application"), ["todo_domain"]);
    assert_eq!(of_the_workspace("todo-infra"), ["todo_domain"]);
    assert_eq!(of_the_workspace("todo-storage-contract"), ["todo_domain"]);
    assert_eq!(
        of_the_workspace("todo-api"),
        ["todo_application", "todo_domain"]
    );
    assert_eq!(
        of_the_workspace("todo-server"),
        ["todo_api", "todo_application", "todo_domain", "todo_infra"]
    );
    // It tries the server from outside.
    assert_eq!(of_the_workspace("todo-trials"), ["todo_testkit"]);
    assert_eq!(of_the_workspace("todo-testkit"), [""; 0]);
}

#[test]
fn what_a_layer_must_not_know_it_is_not_built_with() {
    let frameworks = ["actix_web", "actix_http", "axum", "hyper", "utoipa"];
    let databases = [
        "diesel",
        "r2d2",
        "libsqlite3_sys",
        "pq_sys",
        "rusqlite",
        "sqlx",
    ];
    let runtimes = ["tokio", "async_std", "smol", "futures_util"];
    let secrets = ["argon2", "aws_lc_rs", "bcrypt", "jsonwebtoken", "getrandom"];
    let telemetry = [
        "prometheus_client",
        "opentelemetry",
        "tracing_opentelemetry",
    ];
    let foreign = |package: &str, layers: &[&[&str]]| {
        let built_with = dependencies(package);
        assert!(!built_with.is_empty());
        for name in layers.concat() {
            assert!(
                !built_with.iter().any(|known| known == name),
                "{package} is built with {name}"
            );
        }
    };
    foreign(
        "todo-domain",
        &[
            &frameworks,
            &databases,
            &runtimes,
            &secrets,
            &telemetry,
            &["serde", "serde_json", "mockall"],
        ],
    );
    foreign(
        "todo-application",
        &[
            &frameworks,
            &databases,
            &runtimes,
            &secrets,
            &telemetry,
            &["serde", "mockall"],
        ],
    );
    foreign(
        "todo-storage-contract",
        &[
            &frameworks,
            &databases,
            &runtimes,
            &secrets,
            &telemetry,
            &["serde", "mockall"],
        ],
    );
    foreign("todo-infra", &[&frameworks, &runtimes, &telemetry]);
    foreign(
        "todo-api",
        &[&databases, &["argon2", "bcrypt", "jsonwebtoken"]],
    );
}

#[test]
fn the_domain_is_built_with_little() {
    let mut crates = dependencies("todo-domain");
    crates.sort();
    crates.dedup();
    assert!(crates.len() <= 14, "{crates:?}");
}

/// The text of every Rust file in a folder.
fn sources(folder: &Path) -> String {
    let mut text = String::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            text.push_str(&sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text.push_str(&fs::read_to_string(&path).unwrap());
        }
    }
    text
}

#[test]
fn every_test_that_the_table_of_requirements_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let sources = sources(root.parent().unwrap());
    let table = fs::read_to_string(root.join("ASVS.md")).unwrap();
    let mut named = 0;
    for row in table.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<&str> = row.trim_end_matches(" |").split(" | ").collect();
        let tests = cells.get(5).copied().unwrap_or_default();
        // What stands between two backticks.
        for test in tests.split('`').skip(1).step_by(2) {
            let beginning = format!("fn {test}(");
            assert!(sources.contains(&beginning), "{test} is no test");
            named += 1;
        }
    }
    assert!(named > 60, "{named}");
}
