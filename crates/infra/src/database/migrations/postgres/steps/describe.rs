//! The names and the purposes of the steps, for operators.

use super::{super::super::PlannedStep, Step};

impl Step {
    /// The name and the purpose of the step.
    pub(in super::super) fn describe(&self) -> PlannedStep {
        let (name, why) = match self {
            Self::MigrationsTable => (
                "table of migrations",
                "it records completed migrations".to_owned(),
            ),
            Self::Create => (
                "create tables",
                "the database has no tables users, tasks and sessions".to_owned(),
            ),
            Self::Adopt => (
                "adopt tables",
                "users and tasks are those of another backend; their rows stay as they are"
                    .to_owned(),
            ),
            Self::SideTables(_) => (
                "side tables",
                "they store sessions and idempotency keys".to_owned(),
            ),
            Self::Users(columns) => ("columns of users", added("users", columns)),
            Self::Tasks(columns) => ("columns of tasks", added("tasks", columns)),
            Self::Functions => (
                "functions",
                "triggers and the back-fill call them".to_owned(),
            ),
            Self::Triggers => (
                "triggers",
                "rows of another backend lack folded texts, times of completion and versions"
                    .to_owned(),
            ),
            Self::BackFill { estimate } => (
                "back-fill",
                format!(
                    "{} of before may lack folded texts and times of completion",
                    tasks(*estimate)
                ),
            ),
            Self::Index { index, broken } => {
                let found = if *broken {
                    "; an interrupted attempt left it invalid"
                } else {
                    ""
                };
                let name = format!("index {}", index.name);
                let why = format!("{}{found}", index.why);
                return PlannedStep { name, why };
            }
            Self::Sessions(columns) => ("columns of sessions", added("sessions", columns)),
            Self::Accounts(_) => (
                "tables of accounts",
                "they store personal access tokens, mailed tokens, failed logins and security events"
                    .to_owned(),
            ),
            Self::Usage(_) => (
                "table of usage",
                "it stores the usage of each user, for quotas".to_owned(),
            ),
            Self::UsageOfUsers => (
                "usage of users",
                "each user needs a row in it".to_owned(),
            ),
            Self::UsageOfTasks => (
                "usage of tasks",
                "triggers count each change of tasks".to_owned(),
            ),
            Self::CountTasks { estimate } => (
                "count tasks",
                format!("{} of before are counted", tasks(*estimate)),
            ),
            Self::Occurrences => (
                "occurrences of events",
                "failures without an account are counted per network and hour"
                    .to_owned(),
            ),
            Self::TriggerFunctions => (
                "functions of triggers",
                "they qualify what they call with the schema, so that they call nothing of another role"
                    .to_owned(),
            ),
            Self::DisabledUsers => (
                "disabled users",
                "users lack the time at which they were disabled".to_owned(),
            ),
            Self::Record(version) => {
                return PlannedStep {
                    name: format!("record {version}"),
                    why: format!("migration {version} is done"),
                };
            }
        };
        PlannedStep {
            name: name.to_owned(),
            why,
        }
    }
}

fn added(table: &str, columns: &[&str]) -> String {
    if columns.is_empty() {
        format!("{table} get all their columns")
    } else {
        format!("{table} lack {}", columns.join(", "))
    }
}

fn tasks(estimate: i64) -> String {
    match estimate {
        0 => "tasks".to_owned(),
        1.. => format!("about {estimate} tasks"),
        _ => "an unknown number of tasks".to_owned(),
    }
}
