//! What is asked of the server.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{Answer, PASSWORD, Population, Random, Request};

/// What a client does again and again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// Reads the first page of 20 tasks.
    List,
    /// Reads one task.
    Get,
    /// Creates a task.
    Create,
    /// Writes title and description of a task anew.
    Update,
    /// Toggles whether a task is done.
    Toggle,
    /// Of 100 requests, 70 lists, 15 gets, 10 creations and 5 toggles.
    Mix,
    /// Searches for a word that is in every task, and reads the first page of 20.
    Search,
    /// Logs in with the right password, each time as another user and from another address.
    Login,
    /// Renews the tokens of the connection's own session.
    Refresh,
    /// Creates 50 tasks and completes 50 others, by one request.
    Batch,
}

impl Operation {
    /// What it is called.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Get => "get",
            Self::Create => "create",
            Self::Update => "update",
            Self::Toggle => "toggle",
            Self::Mix => "mix",
            Self::Search => "search",
            Self::Login => "login",
            Self::Refresh => "refresh",
            Self::Batch => "batch",
        }
    }
}

/// Whoever asks.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Accounts {
    /// How many users there are.
    pub users: usize,
    /// How many tasks each of them had from the beginning.
    pub tasks_of_each: usize,
    /// The access tokens of the first of them.
    pub tokens: Vec<String>,
    /// Their refresh tokens.
    pub refresh_tokens: Vec<String>,
}

/// A request, and how it is told that it succeeded.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The request.
    pub request: Request,
    /// The status of its answer.
    pub status: u16,
    /// What is in the body of its answer.
    pub contains: &'static str,
}

impl Asked {
    fn new(request: Request, status: u16, contains: &'static str) -> Self {
        Self {
            request,
            status,
            contains,
        }
    }

    /// A request about one task of a user, or about all of them.
    #[must_use]
    pub fn about_a_task(operation: Operation, user: usize, task: usize, token: &str) -> Self {
        let path = format!("/api/tasks/{}", Population::task_id(user, task));
        let body = json!({
            "title": "Repot the plants on the balcony",
            "description": "The soil is in the cellar, and the large pots are behind it.",
        });
        let body = body.to_string();
        let asked = match operation {
            Operation::Get => Asked::new(Request::new("GET", &path), 200, r#""title""#),
            Operation::Create => {
                let request = Request::new("POST", "/api/tasks").json(&body);
                Asked::new(request, 201, "Repot")
            }
            Operation::Update => {
                let request = Request::new("PUT", &path).json(&body);
                Asked::new(request, 200, "Repot")
            }
            Operation::Toggle => {
                let request = Request::new("PATCH", &format!("{path}/complete"));
                Asked::new(request, 200, r#""completed""#)
            }
            Operation::Search => {
                let request = Request::new("GET", "/api/tasks/search?q=PLANTS&limit=20");
                Asked::new(request, 200, r#""count":20"#)
            }
            _ => {
                let request = Request::new("GET", "/api/tasks?limit=20");
                Asked::new(request, 200, r#""count":20"#)
            }
        };
        Self {
            request: asked.request.bearer(token),
            ..asked
        }
    }
}

/// The requests that one connection sends, each for any of the users.
#[derive(Debug)]
pub struct Requests {
    operation: Operation,
    accounts: Arc<Accounts>,
    random: Random,
    connection: usize,
    sent: usize,
    refresh_token: Option<String>,
}

impl Requests {
    /// The requests of the connection with this number.
    #[must_use]
    pub fn new(operation: Operation, accounts: Arc<Accounts>, connection: usize) -> Self {
        let refresh_token = accounts.refresh_tokens.get(connection).cloned();
        Self {
            operation,
            accounts,
            random: Random::new(connection as u64),
            connection,
            sent: 0,
            refresh_token,
        }
    }

    /// The next request.
    pub fn following(&mut self) -> Asked {
        self.sent += 1;
        let operation = match self.operation {
            Operation::Mix => match self.random.below(100) {
                0..70 => Operation::List,
                70..85 => Operation::Get,
                85..95 => Operation::Create,
                _ => Operation::Toggle,
            },
            operation => operation,
        };
        let user = self.random.below(self.accounts.tokens.len());
        match operation {
            Operation::Login => self.login(),
            Operation::Refresh => self.refresh(),
            Operation::Batch => self.batch(user),
            _ => {
                let task = self.random.below(self.accounts.tasks_of_each);
                Asked::about_a_task(operation, user, task, self.token(user))
            }
        }
    }

    /// Takes note of what the last one was answered with.
    pub fn answered(&mut self, answer: &Answer<'_>) {
        if self.operation == Operation::Refresh
            && let Ok(answer) = answer.json()
            && let Some(token) = answer.get("refresh_token").and_then(Value::as_str)
        {
            self.refresh_token = Some(token.to_owned());
        }
    }

    fn token(&self, user: usize) -> &str {
        self.accounts.tokens.get(user).map_or("", String::as_str)
    }

    fn login(&self) -> Asked {
        let nth = self.sent - 1;
        let user = (self.connection + nth * 7_919) % self.accounts.users.max(1);
        let [of_connection, of_sent] = [self.connection, nth].map(|number| number % 65_536);
        let address = format!("fd00:0:{of_connection:x}:{of_sent:x}::1");
        let body = json!({"email": Population::email(user), "password": PASSWORD});
        let request = Request::new("POST", "/api/auth/login");
        let request = request.header("X-Forwarded-For", &address);
        Asked::new(request.json(&body.to_string()), 200, r#""token""#)
    }

    fn refresh(&self) -> Asked {
        let body = json!({"refresh_token": self.refresh_token});
        let request = Request::new("POST", "/api/auth/refresh").json(&body.to_string());
        Asked::new(request, 200, r#""refresh_token""#)
    }

    fn batch(&mut self, user: usize) -> Asked {
        let created =
            (0..50).map(|nth| json!({"op": "create", "title": format!("New task {nth}")}));
        let mut operations: Vec<Value> = created.collect();
        for _ in 0..50 {
            let task = self.random.below(self.accounts.tasks_of_each);
            let id = Population::task_id(user, task).to_string();
            operations.push(json!({"op": "complete", "id": id}));
        }
        let body = json!({"operations": operations}).to_string();
        let request = Request::new("POST", "/api/tasks/batch").bearer(self.token(user));
        Asked::new(request.json(&body), 200, r#""results""#)
    }
}
