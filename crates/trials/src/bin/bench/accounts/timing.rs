//! Whether the time that an answer takes tells if there is an account.

use std::time::{Duration, Instant};

use serde_json::json;
use todo_trials::{
    Connection, Population, Random, Request, ServerProgram, Table, TrialDatabase, TrialResult,
    median, permutation,
};

use crate::trial::runtime;

/// What is asked with the addresses of accounts, and with those of none.
#[derive(Debug, Clone, Copy)]
enum Question {
    /// A login with a wrong password.
    Login,
    /// A mail to choose a new password by.
    PasswordReset,
}

impl Question {
    const ALL: [Self; 2] = [Self::Login, Self::PasswordReset];

    fn name(self) -> &'static str {
        match self {
            Self::Login => "login with a wrong password",
            Self::PasswordReset => "request of a password reset",
        }
    }

    fn request(self, email: &str) -> Request {
        match self {
            Self::Login => {
                let body = json!({"email": email, "password": "not the right one"});
                Request::new("POST", "/api/auth/login").json(&body.to_string())
            }
            Self::PasswordReset => {
                let body = json!({"email": email});
                Request::new("POST", "/api/auth/password/reset").json(&body.to_string())
            }
        }
    }

    fn status(self) -> u16 {
        match self {
            Self::Login => 401,
            Self::PasswordReset => 202,
        }
    }
}

/// How many microseconds each answer took.
#[derive(Debug, Default)]
struct Timed {
    known: Vec<f64>,
    unknown: Vec<f64>,
}

/// What is done after an answer is left in peace for so long before the next request.
const PAUSE: Duration = Duration::from_millis(25);

/// Measures on each database, and prints what was found.
pub(crate) fn run(
    count: usize,
    program: &ServerProgram,
    databases: &[TrialDatabase],
) -> TrialResult<()> {
    let head = [
        "database",
        "request",
        "of each",
        "median with an account",
        "without one",
        "gap",
        "noise",
        "gaps by chance that are as large",
    ];
    let mut table = Table::new(&head);
    for database in databases {
        let server = program.serve(database)?;
        for question in Question::ALL {
            let timed = runtime()?.block_on(ask(server.address(), question, count))?;
            let found = permutation(&timed.known, &timed.unknown);
            table.row([
                database.kind().to_string(),
                question.name().to_owned(),
                count.to_string(),
                format!("{:.1} µs", median(&timed.known)),
                format!("{:.1} µs", median(&timed.unknown)),
                format!("{:+.1} µs", found.gap),
                format!("± {:.1} µs", found.noise),
                format!("{:.0} %", found.chance * 100.0),
            ]);
        }
    }
    println!(
        "Whether the time of an answer tells if there is an account. Noise is what 95 of 100 gaps do not exceed \
         when it is left to chance which answer counts as which (a permutation test).\n\n{table}"
    );
    Ok(())
}

/// Asks about `count` accounts, each once, and as many that are none, in any order, each time from another address.
async fn ask(address: &str, question: Question, count: usize) -> TrialResult<Timed> {
    let mut asked: Vec<(usize, bool)> = (0..count)
        .flat_map(|user| [(user, true), (user, false)])
        .collect();
    Random::new(1).shuffle(&mut asked);
    let mut connection = Connection::open(address).await?;
    let mut timed = Timed::default();
    for (nth, (user, is_known)) in asked.into_iter().enumerate() {
        // Those that are none are as long, and as far apart.
        let email = if is_known {
            Population::email(user)
        } else {
            Population::email(user).replace("user", "none")
        };
        let request = question.request(&email);
        let request = request.header("X-Forwarded-For", &format!("fd00:0:0:{nth:x}::1"));
        let began = Instant::now();
        let status = connection.send(&request).await?.status;
        let microseconds = began.elapsed().as_secs_f64() * 1e6;
        if status != question.status() {
            return Err(format!("{}: answered with {status}", question.name()).into());
        }
        if is_known {
            timed.known.push(microseconds);
        } else {
            timed.unknown.push(microseconds);
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(timed)
}
