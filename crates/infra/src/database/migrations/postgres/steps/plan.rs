//! Which steps are needed.

use super::{
    super::{
        super::{FIRST_VERSION, HARDENING_VERSION, SECOND_VERSION, THIRD_VERSION, USAGE_VERSION},
        expected_columns::MIGRATIONS_TABLE,
        schema_state::SchemaState,
    },
    Index, Step, TRIGGERS,
};

const INDEXES: &[Index] = &[
    Index {
        name: "ix_users_email",
        kind: "UNIQUE INDEX",
        on: "users (email)",
        first: true,
        why: "no two users have the same address",
    },
    Index {
        name: "ix_tasks_user_id_created_at_id",
        kind: "INDEX",
        on: "tasks (user_id, created_at DESC, id DESC)",
        first: true,
        why: "tasks of a user are listed by creation time",
    },
    Index {
        name: "ix_tasks_user_id_updated_at_id",
        kind: "INDEX",
        on: "tasks (user_id, updated_at, id)",
        first: false,
        why: "tasks of a user are listed by update time",
    },
    Index {
        name: "ix_tasks_user_id_due_at_id",
        kind: "INDEX",
        on: "tasks (user_id, due_at, id)",
        first: false,
        why: "tasks of a user are listed by due time",
    },
    Index {
        name: "ix_tasks_user_id_priority_id",
        kind: "INDEX",
        on: "tasks (user_id, priority, id)",
        first: false,
        why: "tasks of a user are listed by priority",
    },
    Index {
        name: "ix_tasks_user_id_title_folded_id",
        kind: "INDEX",
        on: "tasks (user_id, title_folded, id)",
        first: false,
        why: "tasks of a user are listed by title",
    },
];

/// The column that the migration of disabled users adds.
const DISABLED_AT: &str = "disabled_at";

/// The tables that the second migration creates beside users and tasks.
const SIDE_TABLES: [&str; 2] = ["sessions", "idempotency_keys"];
/// The tables that the third migration creates.
const ACCOUNT_TABLES: [&str; 4] = [
    "personal_access_tokens",
    "mailed_secrets",
    "guesses",
    "security_events",
];

/// The steps that are needed, given the state of the schema.
pub(in super::super) fn needed(state: &SchemaState) -> Vec<Step> {
    let mut steps = Vec::new();
    if !state.has_table(MIGRATIONS_TABLE) {
        steps.push(Step::MigrationsTable);
    }
    if !state.has_migration(SECOND_VERSION) {
        steps.extend(details_of_tasks(state));
    }
    if !state.has_migration(THIRD_VERSION) {
        steps.extend(accounts(state));
    }
    if !state.has_migration(USAGE_VERSION) {
        let missing = (["user_usage"].into_iter())
            .filter(|table| !state.has_table(table))
            .collect();
        steps.extend([
            Step::Usage(missing),
            Step::UsageOfUsers,
            Step::UsageOfTasks,
            Step::CountTasks {
                estimate: state.tasks_estimate,
            },
            Step::Occurrences,
            Step::Record(USAGE_VERSION),
        ]);
    }
    if !state.has_migration(HARDENING_VERSION) {
        if !state.tables || state.missing_in_users.contains(&DISABLED_AT) {
            steps.push(Step::DisabledUsers);
        }
        if state.has_migration(SECOND_VERSION) {
            steps.push(Step::TriggerFunctions);
        }
        steps.push(Step::Record(HARDENING_VERSION));
    }
    steps
}

/// The steps of the first two migrations, which are one for the tables of another backend.
fn details_of_tasks(state: &SchemaState) -> Vec<Step> {
    let mut steps = Vec::new();
    if !state.tables {
        steps.push(Step::Create);
    } else if !state.has_migration(FIRST_VERSION) {
        steps.push(Step::Adopt);
    }
    if !state.side_tables {
        let missing = SIDE_TABLES.iter().copied();
        steps.push(Step::SideTables(
            missing
                .filter(|table| state.is_missing_after_create(table))
                .collect(),
        ));
    }
    let mut missing_in_users = state.missing_in_users.clone();
    missing_in_users.retain(|column| *column != DISABLED_AT);
    if !state.tables || !missing_in_users.is_empty() {
        steps.push(Step::Users(missing_in_users));
    }
    if !state.tables || !state.missing_in_tasks.is_empty() {
        steps.push(Step::Tasks(state.missing_in_tasks.clone()));
    }
    steps.push(Step::Functions);
    let exists = |trigger: &str| state.triggers.iter().any(|existing| existing == trigger);
    if !TRIGGERS.iter().all(|trigger| exists(trigger)) {
        steps.push(Step::Triggers);
    }
    steps.push(Step::BackFill {
        estimate: state.tasks_estimate,
    });
    for index in INDEXES {
        match state.indexes.get(index.name) {
            Some(true) => {}
            None if index.first && !state.tables => {}
            found => steps.push(Step::Index {
                index,
                broken: found.is_some(),
            }),
        }
    }
    steps.push(Step::Record(SECOND_VERSION));
    steps
}

/// The steps of the third migration.
fn accounts(state: &SchemaState) -> Vec<Step> {
    let mut steps = Vec::new();
    if !state.side_tables || !state.missing_in_sessions.is_empty() {
        steps.push(Step::Sessions(state.missing_in_sessions.clone()));
    }
    if !state.account_tables {
        let missing = ACCOUNT_TABLES.iter().copied();
        steps.push(Step::Accounts(
            missing.filter(|table| !state.has_table(table)).collect(),
        ));
    }
    steps.push(Step::Record(THIRD_VERSION));
    steps
}
