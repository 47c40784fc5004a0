use rstest::rstest;

use super::*;

#[rstest]
#[case("sqlite://todo.db", Some("todo.db"))]
#[case("sqlite:///var/lib/todo.db", Some("/var/lib/todo.db"))]
#[case("postgres://ada@localhost/todo", None)]
#[case("postgresql:///todo?host=/tmp", None)]
fn the_scheme_tells_the_kind_of_database(#[case] text: &str, #[case] file: Option<&str>) {
    let url: DatabaseUrl = text.parse().unwrap();
    assert_eq!(url.sqlite_file(), file.map(Path::new));
}

#[rstest]
#[case("", InvalidDatabaseUrl::UnknownScheme)]
#[case("todo.db", InvalidDatabaseUrl::UnknownScheme)]
#[case("mysql://localhost/todo", InvalidDatabaseUrl::UnknownScheme)]
#[case("sqlite://", InvalidDatabaseUrl::NoFile)]
#[case("sqlite://:memory:", InvalidDatabaseUrl::InMemory)]
#[case("sqlite://todo.db?mode=ro", InvalidDatabaseUrl::Parameters)]
#[case("postgres://ada:wr%ong@db/todo", InvalidDatabaseUrl::Encoding)]
#[case("postgres://ada:wrong%2@db/todo", InvalidDatabaseUrl::Encoding)]
#[case("postgres://ada:wrong%", InvalidDatabaseUrl::Encoding)]
#[case("postgres://ada:%00@db/todo", InvalidDatabaseUrl::Encoding)]
fn an_invalid_url_is_refused(#[case] text: &str, #[case] error: InvalidDatabaseUrl) {
    assert_eq!(text.parse::<DatabaseUrl>(), Err(error));
}

#[rstest]
#[case("postgres://ada:secret@db.example.com:5432/todo?sslmode=require")]
#[case("postgres://ada:se@cret@db.example.com:5432/todo")]
#[case("postgres://ada@db.example.com:5432/todo?password=secret")]
fn a_password_is_never_printed(#[case] text: &str) {
    let url: DatabaseUrl = text.parse().unwrap();
    assert_eq!(url.to_string(), "postgres://ada@db.example.com:5432/todo");
    assert!(!format!("{url:?}").contains("cret"));
}

#[rstest]
#[case("sqlite://todo.db", Transport::Local)]
#[case("postgres:///todo", Transport::Local)]
#[case("postgres:///todo?host=/run/postgresql", Transport::Local)]
#[case("postgres://%2frun%2Fpostgresql/todo", Transport::Local)]
#[case("postgres://ada:p%40ss@localhost:5432/todo", Transport::Local)]
#[case("postgres://ada@127.0.0.1/todo?sslmode=disable", Transport::Local)]
#[case("postgres://[::1]:5432/todo", Transport::Local)]
#[case("postgres://db.example.com/todo", unverified("prefer"))]
#[case("postgres://ada:se/cret@db.example.com/todo", unverified("prefer"))]
#[case(
    "postgres://ada@db.example.com:5432/todo?sslmode=require",
    unverified("require")
)]
#[case(
    "postgres://ada@db/todo?sslmode=verify-ca&a=b",
    unverified("verify-ca")
)]
#[case("postgres://localhost,db.example.com/todo", unverified("prefer"))]
#[case("postgres:///todo?host=db.example.com", unverified("prefer"))]
#[case(
    "postgres://db.example.com/todo?sslmode=verify-full&sslrootcert=ca.crt",
    Transport::Verified
)]
fn the_url_tells_the_confidentiality_of_the_connection(
    #[case] url: &str,
    #[case] expected: Transport,
) {
    let url: DatabaseUrl = url.parse().unwrap();
    assert_eq!(url.transport(|_| None), expected);
}

fn unverified(mode: &str) -> Transport {
    Transport::Unverified {
        mode: mode.to_owned(),
    }
}

#[rstest]
#[case(&[("PGHOST", "db.example.com")], unverified("prefer"))]
#[case(&[("PGHOSTADDR", "192.0.2.1"), ("PGSSLMODE", "require")], unverified("require"))]
#[case(&[("PGHOST", "db.example.com"), ("PGSSLMODE", "verify-full")], Transport::Verified)]
fn variables_complete_the_url(#[case] variables: &[(&str, &str)], #[case] expected: Transport) {
    let url: DatabaseUrl = "postgres:///todo".parse().unwrap();
    let lookup = |name: &str| {
        let found = variables.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    assert_eq!(url.transport(lookup), expected);
}

const TCP: &str =
    "tcp_user_timeout=3000&keepalives_idle=5&keepalives_interval=2&keepalives_count=3";

#[rstest]
#[case("postgres://a@b/c", format!("postgres://a@b/c?connect_timeout=3&{TCP}"))]
#[case("postgres://a@b/c?", format!("postgres://a@b/c?connect_timeout=3&{TCP}"))]
#[case(
    "postgres://a@b:1,c:2/d?target_session_attrs=read-write",
    format!("postgres://a@b:1,c:2/d?target_session_attrs=read-write&connect_timeout=3&{TCP}")
)]
#[case(
    "postgres://a:connect_timeout=9@b/c?connect_timeout=9",
    format!("postgres://a:connect_timeout=9@b/c?connect_timeout=9&{TCP}")
)]
#[case(
    "postgres://a:who?keepalives_idle=1@b/c",
    format!("postgres://a:who?keepalives_idle=1@b/c?connect_timeout=3&{TCP}")
)]
#[case(
    "postgres:///c?tcp_user_timeout=1&keepalives_idle=1&keepalives_interval=1&keepalives_count=1&connect_timeout=2",
    "postgres:///c?tcp_user_timeout=1&keepalives_idle=1&keepalives_interval=1&keepalives_count=1&connect_timeout=2"
        .to_owned()
)]
#[case("sqlite://todo.db", "todo.db".to_owned())]
fn parameters_that_the_url_lacks_are_added(#[case] url: &str, #[case] target: String) {
    let url = with_connection_defaults(url.parse().unwrap(), Duration::from_secs(3));
    assert_eq!(url.target(), target);
}
