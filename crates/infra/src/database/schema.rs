//! The tables, as both databases have them. A test compares this with what the migrations make.

diesel::table! {
    use diesel::sql_types::{Bool, Nullable, Text};
    use crate::database::columns::sql::{IdColumn, InstantColumn};

    users (id) {
        id -> IdColumn,
        email -> Text,
        hashed_password -> Nullable<Text>,
        email_verified -> Bool,
        name -> Nullable<Text>,
        image -> Nullable<Text>,
        created_at -> InstantColumn,
        updated_at -> InstantColumn,
        time_zone -> Nullable<Text>,
        disabled_at -> Nullable<InstantColumn>,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Bool, Integer, Nullable, SmallInt, Text};
    use crate::database::columns::sql::{DayColumn, IdColumn, InstantColumn};

    tasks (id) {
        id -> IdColumn,
        user_id -> IdColumn,
        title -> Text,
        description -> Nullable<Text>,
        completed -> Bool,
        created_at -> InstantColumn,
        updated_at -> InstantColumn,
        title_folded -> Nullable<Text>,
        description_folded -> Nullable<Text>,
        priority -> SmallInt,
        due_date -> Nullable<DayColumn>,
        due_at -> InstantColumn,
        due_offset -> Nullable<Integer>,
        tags -> Text,
        completed_at -> Nullable<InstantColumn>,
        version -> BigInt,
        bytes -> Nullable<Integer>,
    }
}

diesel::table! {
    use diesel::sql_types::{Integer, Nullable, Text};
    use crate::database::columns::sql::{IdColumn, InstantColumn};

    sessions (id) {
        id -> IdColumn,
        user_id -> IdColumn,
        created_at -> InstantColumn,
        expires_at -> InstantColumn,
        last_used_at -> Nullable<InstantColumn>,
        generation -> Integer,
        rotated_at -> Nullable<InstantColumn>,
        address -> Nullable<Text>,
        user_agent -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::Text;
    use crate::database::columns::sql::{IdColumn, InstantColumn};

    idempotency_keys (user_id, key) {
        user_id -> IdColumn,
        key -> Text,
        request -> Text,
        answer -> Text,
        created_at -> InstantColumn,
    }
}

diesel::table! {
    use diesel::sql_types::{Binary, Nullable, Text};
    use crate::database::columns::sql::{IdColumn, InstantColumn};

    personal_access_tokens (id) {
        id -> IdColumn,
        user_id -> IdColumn,
        name -> Text,
        digest -> Binary,
        scopes -> Text,
        created_at -> InstantColumn,
        expires_at -> InstantColumn,
        last_used_at -> Nullable<InstantColumn>,
    }
}

diesel::table! {
    use diesel::sql_types::{Binary, Text};
    use crate::database::columns::sql::{IdColumn, InstantColumn};

    mailed_secrets (digest) {
        digest -> Binary,
        user_id -> IdColumn,
        purpose -> Text,
        email -> Text,
        created_at -> InstantColumn,
        expires_at -> InstantColumn,
    }
}

diesel::table! {
    use diesel::sql_types::{Binary, Integer, Nullable};
    use crate::database::columns::sql::InstantColumn;

    guesses (subject) {
        subject -> Binary,
        level -> Integer,
        failed_at -> Nullable<InstantColumn>,
        succeeded_at -> Nullable<InstantColumn>,
        updated_at -> InstantColumn,
    }
}

diesel::table! {
    use diesel::sql_types::{Integer, Nullable, Text};
    use crate::database::columns::sql::{IdColumn, InstantColumn};

    security_events (id) {
        id -> IdColumn,
        user_id -> Nullable<IdColumn>,
        kind -> Text,
        subject -> Nullable<IdColumn>,
        address -> Nullable<Text>,
        user_agent -> Nullable<Text>,
        created_at -> InstantColumn,
        occurrences -> Integer,
    }
}

diesel::table! {
    use diesel::sql_types::BigInt;
    use crate::database::columns::sql::IdColumn;

    user_usage (user_id) {
        user_id -> IdColumn,
        tasks -> BigInt,
        bytes -> BigInt,
    }
}

diesel::joinable!(sessions -> users (user_id));
diesel::joinable!(personal_access_tokens -> users (user_id));
diesel::allow_tables_to_appear_in_same_query!(sessions, users);
diesel::allow_tables_to_appear_in_same_query!(sessions, tasks);
diesel::allow_tables_to_appear_in_same_query!(sessions, user_usage);
diesel::allow_tables_to_appear_in_same_query!(personal_access_tokens, users);

#[cfg(test)]
mod tests {
    use diesel::{Column, Table};
    use rstest::rstest;
    use todo_testkit::{
        Kind::{self, Postgres, Sqlite},
        TestDatabase,
    };

    use super::{
        guesses, idempotency_keys, mailed_secrets, personal_access_tokens, security_events,
        sessions, tasks, user_usage, users,
    };
    use crate::database::{Database, PoolSettings};

    /// The names of a table's columns as the schema has them.
    macro_rules! names {
        ($table:ident: $($column:ident),* $(,)?) => {{
            // Does not compile when the schema has more columns, or fewer.
            let ($($table::$column,)*) = $table::table::all_columns();
            vec![$(<$table::$column as Column>::NAME),*]
        }};
    }

    #[rstest]
    fn the_schema_is_what_the_migrations_make(#[values(Sqlite, Postgres)] kind: Kind) {
        let Some(behind) = TestDatabase::new(kind) else {
            return;
        };
        let url: crate::DatabaseUrl = behind.url().parse().unwrap();
        let settings = PoolSettings::for_kind(url.kind());
        Database::new(url, &settings).migrate().unwrap();
        let users = names!(users: id, email, hashed_password, email_verified, name, image,
            created_at, updated_at, time_zone, disabled_at);
        let tasks = names!(tasks: id, user_id, title, description, completed, created_at,
            updated_at, title_folded, description_folded,
            priority,
            due_date,
            due_at,
            due_offset,
            tags,
            completed_at,
            version,
            bytes
        );
        let sessions = names!(sessions: id, user_id, created_at, expires_at, last_used_at,
            generation, rotated_at, address, user_agent);
        assert_eq!(behind.columns("users"), users);
        assert_eq!(behind.columns("tasks"), tasks);
        let keys = names!(idempotency_keys: user_id, key, request, answer, created_at);
        assert_eq!(behind.columns("sessions"), sessions);
        assert_eq!(behind.columns("idempotency_keys"), keys);
        let tokens = names!(personal_access_tokens: id, user_id, name, digest, scopes, created_at,
            expires_at, last_used_at);
        assert_eq!(behind.columns("personal_access_tokens"), tokens);
        let mailed =
            names!(mailed_secrets: digest, user_id, purpose, email, created_at, expires_at);
        assert_eq!(behind.columns("mailed_secrets"), mailed);
        let guesses = names!(guesses: subject, level, failed_at, succeeded_at, updated_at);
        assert_eq!(behind.columns("guesses"), guesses);
        let events = names!(security_events: id, user_id, kind, subject, address, user_agent,
            created_at, occurrences);
        assert_eq!(behind.columns("security_events"), events);
        let usage = names!(user_usage: user_id, tasks, bytes);
        assert_eq!(behind.columns("user_usage"), usage);
    }
}
