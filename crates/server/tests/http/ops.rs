//! The dashboard and the alerts for operators (`ops/`), held to what a server shows

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use todo_testkit::Kind::Sqlite;

use crate::{
    harness::{PASSWORD, Server},
    metrics::{LISTEN, Shown},
};

const DASHBOARD: &str = include_str!("../../ops/grafana-dashboard.json");
const ALERTS: &str = include_str!("../../ops/prometheus-alerts.yml");

/// The labels of each metric that a server shows, by its name.
fn shown() -> BTreeMap<String, BTreeSet<String>> {
    let server = Server::with(Sqlite, &[LISTEN]).unwrap();
    let client = server.user("ada@example.com");
    let body = json!({"email": "ada@example.com", "password": PASSWORD});
    assert_eq!(client.post("/api/auth/login", &body).status, 200);
    assert_eq!(client.get("/no/such/route").status, 404);
    let mut metrics: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for series in Shown::by(&server).series() {
        let (name, labels) = series.split_once('{').unwrap_or((series, ""));
        let names = labels.split(',').filter_map(|label| label.split_once('='));
        let labels = names.map(|(label, _)| label.to_owned());
        metrics.entry(name.to_owned()).or_default().extend(labels);
    }
    metrics
}

/// The names of metrics of ours in a text.
fn named(text: &str) -> BTreeSet<&str> {
    let is_in_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    text.split(|c| !is_in_name(c))
        .filter(|word| word.starts_with("todo_"))
        .collect()
}

/// The labels by which an expression groups, but for the one that Prometheus adds.
fn grouped_by(expression: &str) -> BTreeSet<&str> {
    let mut labels = BTreeSet::new();
    for part in expression.split("by (").skip(1) {
        let list = part.split(')').next().unwrap();
        labels.extend(list.split(',').map(str::trim));
    }
    labels.remove("instance");
    labels
}

/// The labels by which an expression picks from a metric, each with the metric, but for the one that Prometheus adds.
fn picked_by(expression: &str) -> BTreeSet<(&str, &str)> {
    let mut labels = BTreeSet::new();
    let parts: Vec<_> = expression.split('{').collect();
    for pair in parts.windows(2) {
        let metric = named(pair[0])
            .into_iter()
            .find(|name| pair[0].ends_with(name));
        let matchers = pair[1].split('}').next().unwrap();
        let names = matchers.split(',').filter_map(|one| one.split_once('='));
        labels.extend(names.map(|(name, _)| (metric.unwrap(), name.trim())));
    }
    labels.retain(|(_, name)| *name != "instance");
    labels
}

/// Every expression of a dashboard.
fn expressions(dashboard: &Value) -> Vec<String> {
    let panels = dashboard["panels"].as_array().unwrap();
    let targets = panels
        .iter()
        .filter_map(|panel| panel["targets"].as_array())
        .flatten();
    targets
        .map(|target| target["expr"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn the_dashboard_and_the_alerts_name_nothing_that_is_not_shown() {
    let shown = shown();
    for text in [DASHBOARD, ALERTS] {
        let named = named(text);
        assert!(named.len() >= 10, "{named:?}");
        for name in named {
            // Texts name a histogram as a whole.
            let is_shown =
                shown.contains_key(name) || shown.contains_key(&format!("{name}_bucket"));
            assert!(is_shown, "{name} is not shown");
        }
    }
    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    let mut expressions = expressions(&dashboard);
    let alerts = ALERTS.split("expr:").skip(1);
    expressions.extend(alerts.filter_map(|alert| {
        let expression = alert.split("labels:").next()?;
        expression.contains("todo_").then(|| expression.to_owned())
    }));
    assert!(expressions.len() >= 30, "{expressions:#?}");
    for expression in expressions {
        for (metric, label) in picked_by(&expression) {
            assert!(shown[metric].contains(label), "{label}: {expression}");
        }
        let metrics = named(&expression);
        for label in grouped_by(&expression) {
            let has_label = |metric: &&str| shown[*metric].contains(label);
            assert!(metrics.iter().all(has_label), "{label}: {expression}");
        }
    }
}

#[test]
fn the_dashboard_shows_everything_there_is() {
    let shown = shown();
    let dashboard = named(DASHBOARD);
    let base = |name: &str| {
        let name = name.trim_end_matches("_bucket");
        name.trim_end_matches("_count")
            .trim_end_matches("_sum")
            .to_owned()
    };
    let known: BTreeSet<_> = dashboard.into_iter().map(base).collect();
    for name in shown.keys() {
        assert!(known.contains(&base(name)), "{name} is in no panel");
    }
}

/// The containers of `docker compose up`.
#[test]
fn containers_are_hardened_and_no_secret_is_fixed() {
    let compose = include_str!("../../../../docker-compose.yml");
    let services = compose.split("\nservices:").nth(1).unwrap();
    let services = services.split("\nnetworks:").next().unwrap();
    let is_name =
        |line: &&str| line.starts_with("  ") && !line.starts_with("   ") && line.ends_with(':');
    let names = services.lines().filter(is_name).count();
    assert_eq!(names, 3);
    assert_eq!(services.matches("    <<: *hardened\n").count(), names);
    for measure in [
        "cap_drop: [ALL]",
        "no-new-privileges:true",
        "read_only: true",
    ] {
        assert!(compose.contains(measure), "{measure}");
    }
    for line in services.lines().map(str::trim) {
        assert!(!line.starts_with("POSTGRES_PASSWORD:"), "{line}");
        assert!(!line.starts_with("POSTGRES_USER:"), "{line}");
        if let Some(image) = line.strip_prefix("image: ") {
            let tag = image.split(':').nth(1).unwrap();
            assert!(tag.contains('.'), "{image} is pinned by its exact version");
        }
    }
    assert!(services.contains("postgres://todo@database/todo?passfile="));
    let role = include_str!("../../ops/create-role.sql");
    assert!(role.contains("CREATE ROLE todo LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE"));
}
