//! The direction of dependencies, as ARCHITECTURE.md has it: api → application → domain ← infra, and server knows all.

#![expect(
    clippy::unwrap_used,
    reason = "tests fail by panicking, their helpers too"
)]

use std::process::Command;

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
    assert_eq!(
        of_the_workspace("todo-api"),
        ["todo_application", "todo_domain"]
    );
    assert_eq!(
        of_the_workspace("todo-server"),
        ["todo_api", "todo_application", "todo_domain", "todo_infra"]
    );
    // It tries the server from outside.
    assert_eq!(of_the_workspace("todo-trials"), [""; 0]);
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
