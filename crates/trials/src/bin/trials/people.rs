//! Whoever uses the server in a trial.

use std::time::Duration;

use serde_json::{Value, json};
use todo_trials::{Connection, PASSWORD, Request, TrialResult};
use tokio::{runtime, time::timeout};

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// Someone with an account who is logged in.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) email: String,
    /// The access token.
    pub(crate) token: String,
    pub(crate) refresh_token: String,
}

impl Person {
    /// Makes an account for someone at the server at `address`.
    pub(crate) fn register(address: &str, name: &str) -> TrialResult<Self> {
        let email = format!("{name}@example.com");
        let body = json!({"email": email, "password": PASSWORD, "name": name});
        let request = Request::new("POST", "/api/auth/register").json(&body.to_string());
        Self::from_answer(&email, ask(address, &request)?)
    }

    /// Makes accounts for several.
    pub(crate) fn register_several(address: &str, count: usize) -> TrialResult<Vec<Self>> {
        let register = |number| Self::register(address, &format!("person{number}"));
        (0..count).map(register).collect()
    }

    /// The same person with a further session.
    pub(crate) fn log_in_again(&self, address: &str) -> TrialResult<Self> {
        let body = json!({"email": self.email, "password": PASSWORD});
        let request = Request::new("POST", "/api/auth/login").json(&body.to_string());
        Self::from_answer(&self.email, ask(address, &request)?)
    }

    /// The same session with new tokens.
    pub(crate) fn refresh(&self, address: &str) -> TrialResult<Self> {
        let body = json!({"refresh_token": self.refresh_token});
        let request = Request::new("POST", "/api/auth/refresh").json(&body.to_string());
        Self::from_answer(&self.email, ask(address, &request)?)
    }

    fn from_answer(email: &str, (status, body): (u16, Value)) -> TrialResult<Self> {
        let member = |name| body.get(name).and_then(Value::as_str).map(str::to_owned);
        match (status, member("token"), member("refresh_token")) {
            (200 | 201, Some(token), Some(refresh_token)) => Ok(Self {
                email: email.to_owned(),
                token,
                refresh_token,
            }),
            _ => Err(format!("{email} cannot log in: {status} {body}").into()),
        }
    }
}

/// Sends one request on a connection of its own, and gives the status and the body of the answer.
pub(crate) fn ask(address: &str, request: &Request) -> TrialResult<(u16, Value)> {
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let asked = async {
            let mut connection = Connection::open(address).await?;
            let answer = connection.send(request).await?;
            TrialResult::Ok((answer.status, answer.json().unwrap_or_default()))
        };
        timeout(PATIENCE, asked).await?
    })
}
