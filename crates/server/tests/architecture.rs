//! Documents and code agree: the direction of dependencies in ARCHITECTURE.md (api → application → domain ← infra, and
//! server depends on all), the tests in docs/security.md, the variables in docs/configuration.md, links, and paths.

#![expect(
    clippy::unwrap_used,
    reason = "tests fail by panicking, their helpers too"
)]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

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

/// What an inbound adapter may depend on: not on another one.
const INBOUND: [&str; 4] = [
    "todo_api_types",
    "todo_application",
    "todo_domain",
    "todo_runtime",
];

#[test]
fn dependencies_point_inward() {
    assert_eq!(of_the_workspace("todo-domain"), [""; 0]);
    assert_eq!(of_the_workspace("todo-application"), ["todo_domain"]);
    assert_eq!(of_the_workspace("todo-infra"), ["todo_domain"]);
    assert_eq!(of_the_workspace("todo-storage-contract"), ["todo_domain"]);
    assert_eq!(
        of_the_workspace("todo-api-types"),
        ["todo_application", "todo_domain"]
    );
    assert_eq!(
        of_the_workspace("todo-runtime"),
        ["todo_api_types", "todo_application", "todo_domain"]
    );
    assert_eq!(of_the_workspace("todo-api"), INBOUND);
    assert_eq!(
        of_the_workspace("todo-server"),
        [
            "todo_api",
            "todo_api_types",
            "todo_application",
            "todo_domain",
            "todo_infra",
            "todo_runtime",
        ]
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
    for neutral in ["todo-api-types", "todo-runtime"] {
        let protocols = ["actix_web", "actix_http", "axum", "hyper", "rmcp"];
        foreign(neutral, &[&protocols, &databases, &secrets]);
    }
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

fn repository() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

#[test]
fn every_test_that_the_table_of_requirements_names_exists() {
    let root = repository();
    let sources = sources(&root.join("crates"));
    let table = fs::read_to_string(root.join("docs/security.md")).unwrap();
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

/// The quoted names of environment variables in the code of the configuration, without its tests.
fn configuration_variables() -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/config");
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(folder).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
        // A line is read by itself, so that an apostrophe or a quote within a comment confuses no other line.
        for quoted in code
            .lines()
            .flat_map(|line| line.split('"').skip(1).step_by(2))
        {
            let is_name = quoted.len() > 2
                && quoted.starts_with(|first: char| first.is_ascii_uppercase())
                && quoted
                    .chars()
                    .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
            if is_name {
                names.insert(quoted.to_owned());
            }
        }
    }
    names
}

#[test]
fn every_configuration_variable_is_documented_and_no_other() {
    let document = fs::read_to_string(repository().join("docs/configuration.md")).unwrap();
    let documented: BTreeSet<String> = document
        .lines()
        .filter(|line| line.starts_with("| `"))
        .filter_map(|row| row.split(" | ").next())
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .map(ToOwned::to_owned)
        .collect();
    assert_eq!(configuration_variables(), documented);
    assert!(documented.len() > 50, "{documented:?}");
}

/// The Markdown files in a folder, and in those below it if `recursive`.
fn documents(folder: &Path, recursive: bool) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && recursive {
            found.extend(documents(&path, recursive));
        } else if path.extension().is_some_and(|extension| extension == "md") {
            found.push(path);
        }
    }
    found
}

/// The anchor that GitHub gives a heading.
fn anchor(heading: &str) -> String {
    heading
        .trim()
        .to_lowercase()
        .chars()
        .filter_map(|c| match c {
            ' ' => Some('-'),
            c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c),
            _ => None,
        })
        .collect()
}

#[test]
fn every_link_between_documents_leads_somewhere() {
    let root = repository();
    let mut files = documents(root, false);
    for folder in ["docs", "crates/domain", "crates/trials", ".github"] {
        files.extend(documents(&root.join(folder), true));
    }
    let mut links = 0;
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        for link in text.split("](").skip(1) {
            let link = link.split(')').next().unwrap();
            if link.contains("://") {
                continue;
            }
            links += 1;
            let (path, fragment) = link.split_once('#').unwrap_or((link, ""));
            let target = if path.is_empty() {
                file.clone()
            } else {
                file.parent().unwrap().join(path)
            };
            assert!(
                target.exists(),
                "{} links to {link}, which does not exist",
                file.display()
            );
            if !fragment.is_empty() {
                let target = fs::read_to_string(&target).unwrap();
                let has_anchor = target
                    .lines()
                    .filter_map(|line| line.strip_prefix('#'))
                    .any(|line| anchor(line.trim_start_matches('#')) == fragment);
                assert!(
                    has_anchor,
                    "{} links to {link}, a heading that does not exist",
                    file.display()
                );
            }
        }
    }
    assert!(links > 60, "{links}");
}

#[test]
fn every_path_that_the_documents_for_developers_name_exists() {
    let root = repository();
    let mut paths = 0;
    for document in ["ARCHITECTURE.md", "CONTRIBUTING.md", "docs/security.md"] {
        let text = fs::read_to_string(root.join(document)).unwrap();
        for line in text.lines() {
            for quoted in line.split('`').skip(1).step_by(2) {
                let is_path = ["crates/", "migrations", ".cargo/", ".ci/", "docs/"]
                    .iter()
                    .any(|folder| quoted.starts_with(folder));
                if is_path {
                    assert!(
                        root.join(quoted).exists(),
                        "{document} names {quoted}, which does not exist"
                    );
                    paths += 1;
                }
            }
        }
    }
    assert!(paths > 40, "{paths}");
}

/// The longest file of source.
const MAX_LINES: usize = 500;

/// Names the files of a folder that are too long.
fn name_long_files(folder: &Path, long: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            name_long_files(&path, long);
        } else if path.extension().is_some_and(|extension| extension == "rs")
            && fs::read_to_string(&path).unwrap().lines().count() > MAX_LINES
        {
            long.push(path.display().to_string());
        }
    }
}

#[test]
fn no_file_of_source_is_too_long() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut long = Vec::new();
    for entry in fs::read_dir(crates).unwrap() {
        let source = entry.unwrap().path().join("src");
        if source.is_dir() {
            name_long_files(&source, &mut long);
        }
    }
    assert_eq!(long, [""; 0]);
}
