//! What every measurement begins with: databases that have users and tasks in them, and whoever calls.

use std::{env, fs, ops::Range, path::PathBuf};

use serde_json::{Value, json};
use todo_trials::{
    Accounts, Connection, Kind, PASSWORD, Population, PostgresServer, Request, Server,
    ServerProgram, TrialDatabase, TrialResult,
};
use tokio::runtime::{self, Runtime};

/// The databases of a run, each of which goes at its end.
#[derive(Debug)]
pub(crate) struct Databases {
    postgres: Option<PostgresServer>,
}

impl Databases {
    /// Starts what these kinds need.
    pub(crate) fn start(kinds: &[Kind]) -> TrialResult<Self> {
        let postgres = kinds
            .contains(&Kind::Postgres)
            .then(PostgresServer::start)
            .transpose()?;
        Ok(Self { postgres })
    }

    /// The PostgreSQL, where there is one.
    pub(crate) fn postgres(&self) -> Option<&PostgresServer> {
        self.postgres.as_ref()
    }

    /// An empty database; `name` is that of no other.
    pub(crate) fn create(&self, kind: Kind, name: &str) -> TrialResult<TrialDatabase> {
        match (kind, &self.postgres) {
            (Kind::Sqlite, _) => TrialDatabase::sqlite(),
            (Kind::Postgres, Some(server)) => TrialDatabase::postgres(server, name),
            (Kind::Postgres, None) => Err("PostgreSQL was not started".into()),
        }
    }
}

/// Where what is measured is kept as JSON, for comparing it with what will be measured later.
pub(crate) fn results() -> TrialResult<PathBuf> {
    let folder = env::current_exe()?.with_file_name("bench-results");
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// What a single connection runs on.
pub(crate) fn runtime() -> TrialResult<Runtime> {
    Ok(runtime::Builder::new_current_thread()
        .enable_all()
        .build()?)
}

/// Logs users in, by a server that ends then, and gives who they are.
///
/// So the server that is measured has hashed nothing yet.
pub(crate) fn sign_in(
    program: &ServerProgram,
    database: &TrialDatabase,
    users: Range<usize>,
    population: &Population,
) -> TrialResult<Accounts> {
    let server = program.serve(database)?;
    sign_in_at(&server, users, population)
}

/// Logs users in, and gives who they are.
pub(crate) fn sign_in_at(
    server: &Server,
    users: Range<usize>,
    population: &Population,
) -> TrialResult<Accounts> {
    runtime()?.block_on(async {
        let mut connection = Connection::open(server.address()).await?;
        let mut accounts = Accounts {
            users: population.users,
            tasks_of_each: population.tasks_of_each,
            ..Accounts::default()
        };
        for user in users {
            let body = json!({"email": Population::email(user), "password": PASSWORD});
            let request = Request::new("POST", "/api/auth/login").json(&body.to_string());
            let answer = connection.send(&request).await?.json()?;
            let token = |name| answer.get(name).and_then(Value::as_str).map(str::to_owned);
            let (Some(token), Some(refresh_token)) = (token("token"), token("refresh_token"))
            else {
                return Err(format!("nobody can log in: {answer}").into());
            };
            accounts.tokens.push(token);
            accounts.refresh_tokens.push(refresh_token);
        }
        Ok(accounts)
    })
}
