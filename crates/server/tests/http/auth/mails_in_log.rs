//! Mails of a server that sends none.

use rstest::rstest;
use serde_json::json;
use todo_testkit::Kind::Sqlite;

use crate::harness::{Server, eventually};

const EMAIL: &str = "ada@example.com";

#[rstest]
#[case::on_loopback(&[], true)]
#[case::where_it_is_forbidden(&[("MAILS_TO_LOG", "no")], false)]
#[case::where_it_is_demanded(&[("MAILS_TO_LOG", "yes")], true)]
fn tokens_are_logged_on_loopback_unless_it_is_forbidden(
    #[case] variables: &[(&str, &str)],
    #[case] logged: bool,
) {
    let server = Server::with(Sqlite, variables).unwrap();
    server.user(EMAIL);
    let answer = server
        .client()
        .post("/api/auth/password/reset", &json!({"email": EMAIL}));
    assert_eq!(answer.status, 202);
    // The mail for the confirmation of the address, and that for the password.
    eventually("two mails", || server.mails(EMAIL).len() == 2);
    assert_eq!(
        server.mailed_tokens(EMAIL, "todo_pwr_").len(),
        usize::from(logged)
    );
    assert_eq!(server.log().contains("todo_pwr_"), logged);
    assert_eq!(server.log().contains("todo_ev"), logged);
}
