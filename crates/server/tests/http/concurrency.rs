//! What two at once get.

use std::thread;

use rstest::rstest;
use serde_json::json;
use todo_testkit::Kind::{self, Postgres, Sqlite};

use crate::harness::{Client, PASSWORD, Server};

/// Runs `work` by as many clients at once, and gives what each came to.
fn at_once<T: Send>(clients: &[Client], work: impl Fn(&Client) -> T + Sync) -> Vec<T> {
    thread::scope(|scope| {
        let running: Vec<_> = clients
            .iter()
            .map(|client| scope.spawn(|| work(client)))
            .collect();
        running
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    })
}

#[rstest]
fn of_eight_registrations_of_one_address_one_succeeds(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let clients: Vec<_> = (0..8).map(|_| server.client()).collect();
    let body = json!({"email": "ada@example.com", "password": PASSWORD, "name": "Ada"});
    let mut statuses = at_once(&clients, |client| {
        client.post("/api/auth/register", &body).status
    });
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409, 409, 409, 409, 409, 409, 409]);
}

#[rstest]
#[case(10)]
#[case(11)]
fn n_toggles_leave_what_n_toggles_leave(#[values(Sqlite, Postgres)] kind: Kind, #[case] n: usize) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let other = Server::on(server.database.as_ref().unwrap(), &[]);
    let client = server.user("ada@example.com");
    let path = client.task_path("Buy milk");
    let toggle = format!("{path}/complete");
    // They come to two instances.
    let clients: Vec<_> = (0..n)
        .map(|number| {
            let instance = if number % 2 == 0 { &server } else { &other };
            let mut elsewhere = instance.client();
            elsewhere.token.clone_from(&client.token);
            elsewhere
        })
        .collect();
    let statuses = at_once(&clients, |client| client.toggle(&toggle).status);
    assert_eq!(statuses, vec![200; n]);
    assert_eq!(client.get(&path).json()["completed"], n % 2 == 1);
}

#[rstest]
fn of_deletions_of_one_task_one_succeeds(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let client = server.user("ada@example.com");
    let path = client.task_path("Buy milk");
    let mut statuses = at_once(&vec![client; 6], |client| client.delete(&path).status);
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 404, 404, 404, 404, 404]);
}

#[rstest]
fn a_logout_and_other_requests_at_once_never_fail(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let client = server.user("ada@example.com");
    let statuses = at_once(&vec![client.clone(); 6], |client| {
        let listed = client.get("/api/tasks").status;
        let signed_out = client.post("/api/auth/logout", &json!({})).status;
        (listed, signed_out)
    });
    for (listed, signed_out) in statuses {
        assert!([200, 401].contains(&listed), "{listed}");
        assert_eq!(signed_out, 200);
    }
    assert_eq!(client.get("/api/tasks").status, 401);
}
